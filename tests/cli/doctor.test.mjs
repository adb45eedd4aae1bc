// What midge doctor finds, against what Node and the shell find.
import assert from "node:assert/strict";
import { existsSync, readdirSync, statSync } from "node:fs";
import os from "node:os";
import test from "node:test";

import { midge, midgeJson, readJson, scratch } from "./midge.mjs";

/** Paths of the nulls in `value`. */
function nulls(value, path = "") {
  return value === null ? [path] : Object.entries(Object(value)).flatMap(
    ([key, one]) => typeof value === "string" ? []
      : nulls(one, path ? `${path}.${key}` : key));
}

test("doctor finds this machine, and it is sound", async (t) => {
  const cwd = scratch(t);
  const found = await midgeJson(["doctor"], { cwd });
  assert.equal(found.sound, true, String(found.problems));
  assert.deepEqual(found.problems, []);
  assert.match(found.version, /^\d+\.\d+\.\d+$/);
  assert.match(found.compiler, /^(gcc|clang) \d+\./);
  assert.equal(found.machine.memory.total_bytes, os.totalmem());
  assert.ok(found.machine.memory.available_bytes <= os.totalmem());
  assert.ok(found.machine.cores.allowed <= found.machine.cores.online);
  assert.equal(found.machine.cores.allowed, os.availableParallelism());
  assert.match(found.machine.system, new RegExp(`^${os.type()} `));
  assert.match(found.libraries.sqlite.running, /^3\.\d+\.\d+$/);
  assert.deepEqual(readdirSync(cwd), [], "nothing is written");
});

test("every null has its reason", async () => {
  const found = await midgeJson(["doctor"]);
  for (const path of nulls({ ...found, reasons: {} })) {
    const tool = /^tools\.(\d+)\.path$/.exec(path);
    assert.ok(tool ? found.tools[tool[1]].reason : found.reasons[path], path);
  }
  for (const path of Object.keys(found.reasons)) {
    const value = path.split(".").reduce((one, key) => one[key], found);
    assert.equal(value, null, path);
  }
});

test("the answer has the members that its description names", async () => {
  const spec = new URL("../../spec/ops/doctor.json", import.meta.url);
  assert.deepEqual(Object.keys(await midgeJson(["doctor"])).sort(),
    Object.keys(readJson(spec).result).sort());
});

test("each variant computes the same bits, and one is chosen for each operation",
  async () => {
    const { kernels, machine } = await midgeJson(["doctor"]);
    const variants = kernels.selftest.map((one) => one.variant);
    assert.equal(variants[0], "scalar");
    assert.deepEqual(variants.slice(1), machine.cpu_bits);
    for (const one of kernels.selftest) {
      assert.equal(one.equal, true, one.variant);
      assert.equal(one.result, kernels.expected);
      assert.ok(one.took_ms > 0);
    }
    assert.ok(Object.keys(kernels.operations).includes("dot_f32"));
    assert.ok(Object.values(kernels.operations).every(Boolean));
  });

test("MIDGE_CPU lowers the variants, and doctor says so", async () => {
  const env = { MIDGE_CPU: "scalar" };
  const found = await midgeJson(["doctor"], { env });
  assert.equal(found.machine.cpu_limit, "scalar");
  assert.deepEqual(found.machine.cpu_bits, []);
  assert.deepEqual(found.kernels.selftest.map((one) => one.variant), ["scalar"]);
  assert.deepEqual([...new Set(Object.values(found.kernels.operations))],
    ["scalar"]);
  assert.match((await midge(["doctor"], { env })).stdout, /MIDGE_CPU=scalar/);
});

test("tools are those of PATH; none is needed", async (t) => {
  const { tools } = await midgeJson(["doctor"]);
  const node = tools.find((tool) => tool.name === "node");
  for (const tool of tools) {
    assert.ok(tool.path === null || existsSync(tool.path), tool.name);
    assert.match(tool.get, /^tools\/setup [a-z]+$/);
  }
  const env = { PATH: scratch(t) };
  const without = await midgeJson(["doctor"], { env });
  assert.ok(without.tools.every((tool) => tool.path === null && tool.reason));
  assert.equal(without.sound, true);
  assert.ok(node);
});

test("the modules listed are there, with their sizes", async () => {
  const { wasm, reasons } = await midgeJson(["doctor"]);
  if (wasm === null) {
    assert.match(reasons.wasm, /no WebAssembly modules/);
    return;
  }
  assert.ok(wasm.some((one) => /midge-core-simd\.wasm$/.test(one.file)));
  for (const { file, bytes } of wasm) {
    assert.equal(statSync(file).size, bytes);
    assert.doesNotMatch(file, /-debug/);
  }
});

test("as a table, with a verdict at its end", async () => {
  const run = await midge(["doctor"]);
  assert.equal(run.code, 0);
  assert.equal(run.stderr, "");
  assert.match(run.stdout, /\nAll that midge needs is sound\.\n$/);
  for (const label of ["midge", "system", "CPU", "cores", "memory", "self-test",
    "kernels", "SQLite", "wasm", "tools"]) {
    assert.match(run.stdout, new RegExp(`^${label} `, "m"));
  }
  assert.doesNotMatch(run.stdout, /WRONG|problem|unknown|null|[^\S\n]\n/);
});
