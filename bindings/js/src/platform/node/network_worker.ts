/** What runs in a worker that trains a network: in Node. */
import { parentPort } from "node:worker_threads";

import { serveJob, type JobStart } from "./network_serve.js";

parentPort?.once("message", (start) => {
  serveJob(start as JobStart, (message) => parentPort?.postMessage(message));
});
