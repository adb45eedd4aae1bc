// The page of pool.test.mjs: leaves what it got in window.answer.
import { openPool } from "./dist/index.js";
import { answerAll } from "./pool_answer.mjs";

function inWorker() {
  return new Promise((resolve, reject) => {
    const worker = new Worker("pool_worker_page.mjs", { type: "module" });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
  });
}

/** How a pool fails whose workers have another script. */
async function withScript(text) {
  const blob = new Blob([text], { type: "text/javascript" });
  const worker = new URL(URL.createObjectURL(blob));
  try {
    return (await openPool({ threads: 2, worker })).mode;
  } catch (error) {
    return `${error.code}: ${error.message}`;
  }
}

try {
  window.answer = {
    page: await answerAll(),
    worker: await inWorker(),
    thrower: await withScript('onmessage = () => { throw Error("no luck"); };'),
  };
} catch (error) {
  window.answer = { failed: String(error.stack ?? error) };
}
document.getElementById("out").textContent = "done";
