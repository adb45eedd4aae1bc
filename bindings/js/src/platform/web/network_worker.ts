/** What runs in a worker that trains a network: in browsers. */
import { serveJob, type JobStart } from "./network_serve.js";

declare const self: {
  onmessage: (event: { readonly data: JobStart }) => void;
  postMessage(message: unknown): void;
};

self.onmessage = ({ data }) => {
  serveJob(data, (message) => self.postMessage(message));
};
