// wasm_predict.mjs DIST VARIANT MODEL FEATURES OUTPUTS ROWS ROUNDS: predicts the
// first ROWS encoded rows ROUNDS times and prints the ms of each as JSON. The
// time includes copying rows in and outputs out. FEATURES and OUTPUTS are raw
// floats from js_oracle; other bits than in OUTPUTS are an error.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const WARM_MS = 300; // until the engine has compiled its second time

const [dist, variant, modelFile, featuresFile, outputsFile, rows, rounds] =
  process.argv.slice(2);
const { load } = await import(pathToFileURL(join(dist, "index.mjs")));
const model = (await load({ variant })).openModel(readFileSync(modelFile));
const floats = (file, count) => {
  const bytes = Uint8Array.from(readFileSync(file).subarray(0, count * 4));
  return new Float32Array(bytes.buffer);
};
const x = floats(featuresFile, rows * model.nInputs);
const expected = floats(outputsFile, rows * model.nOutputs);

function predict() {
  const start = performance.now();
  const { outputs } = model.predict(x);
  const ms = performance.now() - start;
  if (!Buffer.from(outputs.buffer).equals(Buffer.from(expected.buffer))) {
    throw new Error(`${variant} computed other bits than the native program`);
  }
  return ms;
}

const warm = performance.now();
do {
  predict();
} while (performance.now() - warm < WARM_MS);
console.log(JSON.stringify(Array.from({ length: rounds }, predict)));
