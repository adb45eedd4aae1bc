// The page of index.test.mjs: makes indexes in all stores that a browser has, in
// the page and in a worker; after a reload it opens them again.
import { step } from "./index_steps.mjs";

const opened = new URL(location.href).searchParams.has("again");

function inWorker(...args) {
  return new Promise((resolve, reject) => {
    const worker = new Worker("index_worker_page.mjs", { type: "module" });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(args);
  });
}

try {
  window.answer = {
    page: await step("page notes", undefined, opened),
    pageDatabase: await step("page base", "indexeddb", opened),
    worker: await inWorker("worker/notes", undefined, opened),
    workerDatabase: await inWorker("worker base", "indexeddb", opened),
    // What a worker wrote in place, from the page.
    crossed: opened ? await step("worker/notes", "opfs", opened) : null,
  };
} catch (error) {
  window.answer = { failed: String(error.stack ?? error) };
}
document.getElementById("out").textContent = "done";
