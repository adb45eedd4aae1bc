/** What runs in a worker of a pool: in browsers. */
import { serve, type WorkerStart } from "./pool_serve.js";

declare const self: {
  onmessage: (event: { readonly data: WorkerStart }) => void;
  postMessage(message: unknown): void;
};

self.onmessage = ({ data }) => {
  serve(data, (message) => self.postMessage(message));
};
