// Exported ONNX models give in onnxruntime-web what midge_net_run gives: every
// activation, shortcuts, partly connected layers, mixed units, scaling. Another
// runtime has its own sums and functions: 1e-5 of what was summed is allowed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";

import * as ort from "onnxruntime-web";

import { floatsOf, run, scratch } from "./wasm_support.mjs";

const TOLERANCE = 1e-5;
const INPUTS = 5;
const folder = scratch(after);
const program = join(process.env.MIDGE_BUILD, "tests", "js", "onnx_oracle");
const names = run(program, [folder]).toString().trim().split("\n");
ort.env.wasm.numThreads = 1;

function floats(number, ending) {
  return floatsOf(readFileSync(join(folder, `${number}.${ending}`)));
}

async function runModel(number, x) {
  const model = Uint8Array.from(readFileSync(join(folder, `${number}.onnx`)));
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ["wasm"],
  });
  assert.deepEqual([session.inputNames, session.outputNames], [["x"], ["y"]]);
  const rows = x.length / INPUTS;
  const tensor = new ort.Tensor("float32", x, [rows, INPUTS]);
  const { y } = await session.run({ x: tensor });
  assert.deepEqual(y.dims, [rows, y.data.length / rows]);
  await session.release();
  return y.data;
}

describe("ONNX models in onnxruntime-web", () => {
  names.forEach((name, number) => {
    test(name, async () => {
      const expected = floats(number, "y");
      const actual = await runModel(number, floats(number, "x"));
      assert.equal(actual.length, expected.length);
      assert.ok(new Set(expected).size > 1, "all outputs are the same");
      expected.forEach((y, i) => {
        const off = Math.abs(actual[i] - y);
        assert.ok(
          off <= TOLERANCE * (1 + Math.abs(y)),
          `output ${i} is ${actual[i]}, not ${y}`,
        );
      });
    });
  });
});
