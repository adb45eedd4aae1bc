// The worker of wasm_page.mjs: the modules run there as in the page.
import { load, selftest } from "./dist/index.js";

const midge = await load();
postMessage({ module: midge.info().module, selftest: await selftest() });
