/** What runs in a worker of a pool: in Node, as CommonJS. */
import { parentPort } from "node:worker_threads";

import { serve, type WorkerStart } from "./pool_serve.js";

parentPort?.once("message", (start) => {
  serve(start as WorkerStart, (message) => parentPort?.postMessage(message));
});
