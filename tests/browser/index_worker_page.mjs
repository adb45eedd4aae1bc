// The worker of index_page.mjs.
import { step } from "./index_steps.mjs";

onmessage = async ({ data }) => postMessage(await step(...data));
