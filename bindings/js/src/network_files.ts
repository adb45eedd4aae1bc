/** Networks as the files of others. */
import type { Core } from "./core.js";
import type { NnxExports } from "./exports.js";
import { takeAnswer } from "./network_calls.js";

/** As wasm/nnx_entry.c numbers them. */
const FORMS = {
  midge: 0,
  fann: 1,
  fann_fixed: 2,
  json: 3,
  onnx: 4,
  c: 5,
} as const;
export type Form = keyof typeof FORMS;

/** `name` is that of the ONNX graph or of the C functions. */
export function convert(
  core: Core<NnxExports>,
  from: Form,
  bytes: Uint8Array,
  to: Form,
  name = "network",
): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(`${name}\0`);
  const size = bytes.length;
  core.withBytes(bytes, (at) =>
    core.withBytes(text, (nameAt) => {
      const { net_convert } = core.calls;
      core.check(net_convert(FORMS[from], at, size, FORMS[to], nameAt));
    }),
  );
  return takeAnswer(core);
}
