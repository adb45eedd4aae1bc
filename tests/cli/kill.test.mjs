// kill -9 at any moment, start again: it goes on where it was. Real processes,
// seeded moments. What must hold, whatever happens:
//   1. every task succeeds once, and is never leased again after that;
//   2. fences of a task only grow, attempts that were cut off do not count;
//   3. the result is the one of a run that was never killed.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { generator, midge, midgeJson, PENGUINS, readJson, scratch }
  from "./midge.mjs";

const KILLS = 24;
const ROUNDS = "3";

const measured = (answer) => ({
  test: answer.test,
  best: answer.best_single,
  members: answer.ensemble.members,
  critiques: answer.critiques,
  scores: answer.agents.map((a) => [a.name, a.score, a.oof_score]),
});

/** Kills and restarts until the run's report is there; counts the kills. */
async function killUntilDone(args, cwd, random) {
  const report = join(cwd, ".midge/runs/1/report.json");
  let kills = 0;
  while (!existsSync(report)) {
    const run = await midge(args, { cwd, killAfterMs: 20 + random() * 330 });
    if (run.signal === "SIGKILL") {
      kills++;
    } else {
      assert.equal(run.code, 0, run.stderr);
    }
    assert.ok(kills < 400, "it never gets anywhere");
  }
  return { kills, answer: readJson(report) };
}

function checkEvents(events) {
  const succeeded = new Map();
  const fences = new Map();
  events.forEach((event, i) => {
    assert.ok(i === 0 || event.seq > events[i - 1].seq);
    if (event.type === "task.succeeded") {
      assert.ok(!succeeded.has(event.task), `task ${event.task} twice`);
      assert.equal(event.fence, fences.get(event.task));
      succeeded.set(event.task, event.seq);
    }
    if (event.type === "task.leased") {
      assert.ok(!succeeded.has(event.task), "leased after its success");
      assert.ok(event.fence > (fences.get(event.task) ?? 0));
      assert.equal(event.attempt, 1, "a kill is no failed attempt");
      fences.set(event.task, event.fence);
    }
    assert.notEqual(event.type, "task.failed");
  });
  assert.equal(events.filter((e) => e.type === "run.finished").length, 1);
  return succeeded.size;
}

test(`resumes after kill -9, at least ${KILLS} times`, async (t) => {
  const random = generator(20260101);
  let kills = 0;
  for (let seed = 1; kills < KILLS; seed++) {
    const args = ["learn", PENGUINS, "--target", "Species", "--rounds", ROUNDS,
      "--seed", String(seed)];
    const calm = await midgeJson(args, { cwd: scratch(t) });
    const cwd = scratch(t);
    const run = await killUntilDone(args, cwd, random);
    kills += run.kills;
    assert.deepEqual(measured(run.answer), measured(calm));
    const events = await midgeJson(
      ["events", "--run", "1", "--limit", "1000000"], { cwd });
    assert.equal(checkEvents(events), calm.swarm.tasks);
    const tasks = await midgeJson(["tasks", "--run", "1"], { cwd });
    assert.ok(tasks.every((task) => task.state === "succeeded"));
    t.diagnostic(`seed ${seed}: ${run.kills} kills, ${events.length} events`);
  }
});
