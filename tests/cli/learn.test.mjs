// Learning for real: penguins (classes, missing cells, text columns) and cars
// (regression), and everything that can be looked at afterwards.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readdirSync, readFileSync,
  writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { BIN, CARS, DIGITS, generator, midge, midgeJson, PENGUINS, readJson,
  scratch } from "./midge.mjs";

const PATTERNS = ["convergent", "divergent", "lateral", "critical", "systems"];
const penguins = ["learn", PENGUINS, "--target", "Species"];

function checkAnswer(answer) {
  const { test: final, best_single: best, agents } = answer;
  assert.ok(final.low <= final.score && final.score <= final.high);
  assert.equal(typeof final.n, "number");
  assert.deepEqual(agents.slice(0, 5).map((a) => a.pattern),
    PATTERNS.slice(0, agents.length));
  for (const agent of agents) {
    if (agent.score === null) {
      assert.ok(agent.reason.length > 0, "a null score has a reason");
      assert.equal(agent.family, null);
    } else {
      assert.ok(agent.seconds > 0);
      assert.ok(["net", "knn", "features"].includes(agent.family));
      assert.ok(agent.score <= best.score, "best_single is the best");
    }
  }
  const named = agents.find((a) => a.name === best.agent);
  assert.equal(named.score, best.score);
  assert.equal(named.pattern, best.pattern);
  const weights = answer.ensemble.members.map((m) => m.weight);
  assert.ok(Math.abs(weights.reduce((a, b) => a + b, 0) - 1) < 1e-5);
}

test("penguins: classes, with missing cells and text columns", async (t) => {
  const cwd = scratch(t);
  const answer = await midgeJson(penguins, { cwd });
  checkAnswer(answer);
  assert.equal(answer.problem, "classification");
  assert.equal(answer.rows, 344);
  assert.equal(answer.test.n, 69);
  assert.equal(answer.test.metric, "accuracy");
  assert.ok(answer.test.score >= 0.94, `accuracy ${answer.test.score}`);
  assert.equal(answer.swarm.tasks, 14);
  assert.equal(answer.swarm.resumed, false);
  assert.equal(answer.swarm.retries, 0);
  assert.ok(existsSync(join(cwd, answer.model)));
  assert.match(readFileSync(join(cwd, answer.report), "utf8"),
    /^# penguins\.csv: Species\n/);
  assert.deepEqual(readJson(join(cwd, ".midge/runs/1/report.json")), answer);
});

test("cars: regression, rows without a target left out", async (t) => {
  const cwd = scratch(t);
  const answer = await midgeJson(
    ["learn", CARS, "--target", "Miles_per_Gallon"], { cwd });
  checkAnswer(answer);
  assert.equal(answer.problem, "regression");
  assert.equal(answer.rows, 406);
  assert.equal(answer.data.rows_without_target, 8);
  assert.deepEqual(answer.data.dropped, ["Name"]);
  assert.ok(answer.test.score >= 0.75, `R^2 ${answer.test.score}`);
  assert.ok(answer.test.rmse > 0.5 && answer.test.rmse < 5);
  const values = await midge(["predict", CARS], { cwd });
  assert.equal(values.code, 0);
  const lines = values.stdout.trim().split("\n");
  assert.equal(lines[0], "Miles_per_Gallon");
  assert.equal(lines.length, 407);
  assert.ok(lines.slice(1).every((x) => Number(x) > 0 && Number(x) < 60));
});

test("an answer that cannot be written is a failure", async (t) => {
  const full = openSync("/dev/full", "w");
  t.after(() => closeSync(full));
  const run = spawnSync(BIN, [...penguins, "--rounds", "1", "--json"], {
    cwd: scratch(t),
    stdio: ["ignore", full, "pipe"],
    encoding: "utf8",
  });
  assert.equal(run.status, 1);
  assert.match(run.stderr, /could not be written/);
});

test("the same seed gives the same result; a repeat works again", async (t) => {
  const cwd = scratch(t);
  const measured = (answer) => ({
    test: answer.test,
    best: answer.best_single,
    members: answer.ensemble.members,
    scores: answer.agents.map((a) => [a.score, a.oof_score]),
  });
  const one = await midgeJson([...penguins, "--seed", "5"], { cwd });
  const two = await midgeJson([...penguins, "--seed", "5", "--threads", "1"],
    { cwd });
  const other = await midgeJson([...penguins, "--seed", "6"], { cwd });
  assert.deepEqual(measured(two), measured(one));
  assert.notDeepEqual(measured(other), measured(one));
  assert.deepEqual([one, two, other].map((a) => a.swarm.run), [1, 2, 3]);
  assert.equal(two.swarm.resumed, false);
});

test("one agent, and more agents than patterns", async (t) => {
  const cwd = scratch(t);
  const alone = await midgeJson([...penguins, "--agents", "1"], { cwd });
  checkAnswer(alone);
  assert.deepEqual(alone.agents.map((a) => a.pattern), ["convergent"]);
  assert.deepEqual(alone.critiques, []);
  assert.match(alone.critiques_reason, /critical/);
  const many = await midgeJson(
    [...penguins, "--agents", "9", "--rounds", "1"], { cwd });
  checkAnswer(many);
  assert.equal(many.agents.length, 9);
  assert.equal(new Set(many.agents.map((a) => a.name)).size, 9);
  assert.equal(many.critiques.length, 2);
});

test("a time limit is kept roughly and said", async (t) => {
  const cwd = scratch(t);
  const start = performance.now();
  const answer = await midgeJson(
    [...penguins, "--seconds", "1", "--rounds", "8"], { cwd });
  assert.ok(performance.now() - start < 10000);
  checkAnswer(answer);
  assert.ok(answer.candidates.some((c) => c.stopped_early === true) ||
    answer.failed.some((f) => /time limit/.test(f.reason)));
});

test("status, tasks and events tell the same story", async (t) => {
  const cwd = scratch(t);
  const answer = await midgeJson(penguins, { cwd });
  const status = await midgeJson(["status"], { cwd });
  assert.equal(status.summary.tasks.succeeded, 14);
  assert.equal(status.runs[0].state, "succeeded");
  assert.deepEqual(status.agents.map((a) => a.pattern), PATTERNS);
  const tasks = await midgeJson(["tasks", "--run", "1"], { cwd });
  assert.equal(tasks.length, 14);
  assert.ok(tasks.every((task) => task.state === "succeeded"));
  const holdsTest = tasks.filter(
    (task) => JSON.stringify(task.input).includes('"/test"'));
  assert.deepEqual(holdsTest.map((task) => task.name), ["test"],
    "one task is given the test rows");
  for (const task of tasks.filter((x) => /^(search|critique)/.test(x.name))) {
    assert.ok(task.name.endsWith(`-${task.agent}`), "done by its agent");
  }
  const events = await midgeJson(["events", "--run", "1"], { cwd });
  assert.equal(events.length, answer.swarm.events);
  for (const command of ["status", "tasks", "events"]) {
    const shown = await midge([command], { cwd });
    assert.equal(shown.code, 0);
    assert.ok(shown.stdout.split("\n").length > 5);
  }
  const none = await midgeJson(["tasks", "--state", "failed"], { cwd });
  assert.deepEqual(none, []);
});

test("predict: without the target column, to stdout as CSV", async (t) => {
  const cwd = scratch(t);
  await midgeJson(penguins, { cwd });
  const lines = readFileSync(PENGUINS, "utf8").trim().split("\n");
  const truth = lines.slice(1).map((line) => line.split(",")[0]);
  const without = lines.map((line) => line.slice(line.indexOf(",") + 1));
  writeFileSync(join(cwd, "new.csv"), without.join("\n") + "\n");
  const run = await midge(["predict", "new.csv"], { cwd });
  assert.equal(run.code, 0, run.stderr);
  const said = run.stdout.trim().split("\n");
  assert.equal(said.shift(), "Species,probability");
  const right = said.filter((line, i) => line.split(",")[0] === truth[i]);
  assert.equal(said.length, truth.length);
  assert.ok(right.length / truth.length > 0.95);
  for (const line of said) {
    const p = Number(line.split(",")[1]);
    assert.ok(p > 0 && p <= 1);
  }
  const alone = spawnSync("taskset", ["-c", "0", BIN, "predict", "new.csv"],
    { cwd, encoding: "utf8" });
  assert.equal(alone.stdout, run.stdout, "one core says the same as all");
  const bad = await midge(["predict", CARS], { cwd });
  assert.equal(bad.code, 2);
  assert.match(bad.stderr, /^midge: [^\n]*no column[^\n]*\n$/);
  writeFileSync(join(cwd, "broken.midge"), "no model");
  const broken = await midge(
    ["predict", "new.csv", "--model", "broken.midge"], { cwd });
  assert.equal(broken.code, 2);
});

/** A .npy file of bytes, version 1.0. */
function npy(rows) {
  const text = `{'descr': '|u1', 'fortran_order': False, 'shape': ` +
    `(${rows.length}, ${rows[0].length}), }`;
  const size = Math.ceil((11 + text.length) / 64) * 64;
  const header = Buffer.alloc(size, " ");
  header.write("\x93NUMPY\x01\x00", 0, "latin1");
  header.writeUInt16LE(size - 10, 8);
  header.write(text, 10, "latin1");
  header[size - 1] = 10;
  return Buffer.concat([header, ...rows.map((row) => Buffer.from(row))]);
}

test("an array may lack its target, wherever that stood", async (t) => {
  const random = generator(3);
  const x = Array.from({ length: 300 }, (_, i) =>
    [0, 1, 2, 3].map((j) => (j === i % 4 ? 150 : 0) + random() * 60 | 0)
      .concat(9)); // the last one is constant: no column would be missed
  for (const place of [0, 2, 5]) {
    const cwd = scratch(t);
    const whole = x.map((row, i) => row.toSpliced(place, 0, i % 4));
    writeFileSync(join(cwd, "whole.npy"), npy(whole));
    writeFileSync(join(cwd, "x.npy"), npy(x));
    const answer = await midgeJson(
      ["learn", "whole.npy", "--target", `c${place}`, "--rounds", "1"],
      { cwd });
    assert.ok(answer.test.score > 0.95);
    for (const file of ["whole.npy", "x.npy"]) {
      const said = await midgeJson(["predict", file], { cwd });
      const right = said.values.filter((v, i) => Number(v) === i % 4);
      assert.ok(right.length > 285, `${file}, c${place}: ${right.length}`);
    }
  }
});

test("digits: one agent in one round", { skip: !DIGITS }, async (t) => {
  const cwd = scratch(t);
  const answer = await midgeJson(["demo", "--agents", "1", "--rounds", "1"],
    { cwd, env: { MIDGE_DIGITS: DIGITS } });
  checkAnswer(answer);
  assert.equal(answer.rows, 10000);
  assert.equal(answer.test.n, 2000);
  assert.ok(answer.test.score >= 0.955, `accuracy ${answer.test.score}`);
});

test("an interrupt stops cleanly and says how to go on", async (t) => {
  const cwd = scratch(t);
  const args = [...penguins, "--rounds", "20"];
  const run = await midge(args, { cwd, killAfterMs: 400, signal: "SIGINT" });
  assert.equal(run.code, 130, run.stderr);
  assert.match(run.stderr, /the same command goes on/);
  assert.equal(run.stdout, "");
  assert.ok(!existsSync(join(cwd, ".midge/runs/1/report.json")));
  const answer = await midgeJson(args, { cwd });
  assert.equal(answer.swarm.resumed, true);
  assert.equal(answer.swarm.run, 1);
});

test("two at once: the second is told who works", async (t) => {
  const cwd = scratch(t);
  const first = midge([...penguins, "--rounds", "20"], { cwd });
  while (!existsSync(join(cwd, ".midge/swarm.db"))) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const second = await midge(penguins, { cwd });
  assert.equal(second.code, 1);
  assert.match(second.stderr, /^midge: [^\n]*\n$/);
  assert.equal((await first).code, 0);
  assert.deepEqual(readdirSync(join(cwd, ".midge/runs")), ["1"]);
});
