// The page of network.test.mjs: leaves what it got in window.answer.
import { Network } from "./dist/index.js";
import { networkAnswers } from "./js/network_support.mjs";

try {
  window.answer = {
    isolated: globalThis.crossOriginIsolated,
    ...(await networkAnswers(Network)),
  };
} catch (error) {
  window.answer = { failed: String(error.stack ?? error) };
}
document.getElementById("out").textContent = "done";
