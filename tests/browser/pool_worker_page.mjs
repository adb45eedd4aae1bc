// A worker that opens a pool of its own: what it may wait for differs.
import { answerAll } from "./pool_answer.mjs";

answerAll().then(postMessage, (error) => postMessage({ failed: String(error) }));
