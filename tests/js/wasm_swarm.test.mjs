// What the native program logs, wasm replays, to the same state hash.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import {
  elements,
  importMidge,
  midgeJson,
  oracle,
  PENGUINS,
  run,
  scratch,
} from "./wasm_support.mjs";

const { openSwarm, MidgeError } = await importMidge();
const folder = scratch(after);
const db = ["--db", join(folder, "swarm")];
let events;

before(() => {
  midgeJson("learn", PENGUINS, "--target", "Species", "--rounds", "2", ...db);
  const args = ["events", "--limit", "1000000", "--json", ...db];
  events = elements(run(process.env.MIDGE_BIN, args).toString());
});

test("the native log gives the native state, at every tenth event", async () => {
  const swarm = await openSwarm();
  const log = join(folder, "log.jsonl");
  for (let n = 1; n <= events.length; n++) {
    swarm.replay(events[n - 1]);
    if (n % 10 === 0 || n === events.length) {
      writeFileSync(log, events.slice(0, n).join("\n"));
      const native = oracle("replay", log).toString().trim();
      assert.equal(`${swarm.lastSeq} ${swarm.hash()}`, native);
    }
  }
  const { summary } = midgeJson("status", ...db);
  assert.equal(swarm.lastSeq, summary.last_seq);
  assert.equal(swarm.nTasks, summary.tasks.total);
  assert.ok(events.length > 50);
  swarm.dispose();
  assert.throws(() => swarm.hash(), { code: "DISPOSED" });
});

test("an event that does not fit is refused and changes nothing", async () => {
  const swarm = await openSwarm();
  events.slice(0, 20).forEach((event) => swarm.replay(event));
  const hash = swarm.hash();
  assert.throws(() => swarm.replay(events[0]), { code: "E_CORRUPT", message: /sequence/ });
  assert.throws(() => swarm.replay(events[21]), { code: "E_CORRUPT" });
  assert.throws(() => swarm.replay("{"), { code: "E_PARSE" });
  assert.throws(() => swarm.replay(""), MidgeError);
  assert.throws(() => swarm.replay('{"type":"task.eaten","seq":21}'), /known type/);
  const next = events[20];
  for (let size = 0; size < next.length; size++) {
    assert.throws(() => swarm.replay(next.slice(0, size)), MidgeError);
  }
  assert.equal(swarm.hash(), hash);
  swarm.replay(next);
  assert.notEqual(swarm.hash(), hash);
  swarm.dispose();
});

test("swarms are apart, and the empty one hashes as the native one", async () => {
  const [a, b] = await Promise.all([openSwarm(), openSwarm()]);
  const log = join(folder, "empty.jsonl");
  writeFileSync(log, "");
  assert.equal(`0 ${a.hash()}`, oracle("replay", log).toString().trim());
  a.replay(events[0]);
  assert.notEqual(a.hash(), b.hash());
  assert.equal(b.lastSeq, 0);
  a.dispose();
  b.dispose();
});

test("memory is given back", async () => {
  const swarm = await openSwarm();
  const { core } = swarm;
  events.forEach((event) => swarm.replay(event));
  assert.ok(core.calls.heap_used() > 0);
  swarm.dispose();
  assert.equal(core.calls.heap_used(), 0);
});
