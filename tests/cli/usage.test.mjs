// How commands are spelled, what help says, and which exit codes tell what.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import test from "node:test";

import { midge, PENGUINS, scratch } from "./midge.mjs";

const COMMANDS = [
  "demo", "learn", "predict", "status", "tasks", "events", "doctor", "help",
  "version",
];

test("help lists the commands and explains each", async () => {
  const overview = await midge(["help"]);
  assert.equal(overview.code, 0);
  for (const name of COMMANDS) {
    assert.match(overview.stdout, new RegExp(`^  ${name} `, "m"));
    const page = await midge(["help", name]);
    assert.equal(page.code, 0);
    assert.match(page.stdout, new RegExp(`usage: midge ${name}`));
    assert.equal((await midge([name, "--help"])).stdout, page.stdout);
    for (const line of page.stdout.split("\n")) {
      assert.ok(line.length <= 130 && !/\s$/.test(line), line);
    }
  }
  assert.equal((await midge([])).stdout, overview.stdout);
  assert.equal((await midge(["--help"])).stdout, overview.stdout);
});

test("version", async () => {
  const run = await midge(["--version"]);
  assert.match(run.stdout, /^midge \d+\.\d+\.\d+\n$/);
  assert.equal(run.code, 0);
});

const learn = ["learn", PENGUINS, "--target", "Species"];
const WRONG = [
  [["lern"], /no command 'lern'; did you mean 'learn'\?/],
  [["xyzzy"], /no command 'xyzzy'/],
  [["data.load"], /no command/],
  [["help", "nothing"], /no command 'nothing'/],
  [["learn"], /needs FILE/],
  [["learn", PENGUINS], /needs --target/],
  [[...learn, "--agnts", "3"], /did you mean --agents\?/],
  [[...learn, "-x"], /no option -x/],
  [[...learn, "--agents"], /--agents needs a value/],
  [[...learn, "--agents", "many"], /must be a number, not 'many'/],
  [[...learn, "--agents", "0"], /agents must be at least 1/],
  [[...learn, "--agents=17"], /agents must be at most 16/],
  [[...learn, "--rounds", "1.5"], /rounds must be a whole number/],
  [[...learn, "--seconds", "0"], /seconds must be at least 1/],
  [[...learn, "--seed", "-1"], /seed must be at least 0/],
  [[...learn, "--seed", "1", "--seed", "2"], /given twice/],
  [[...learn, "--json=yes"], /takes no value/],
  [[...learn, "more"], /no use for 'more'/],
  [["demo", "file"], /no use for 'file'/],
  [["predict"], /needs DATA/],
];

test("wrong usage: one line, exit code 2, nothing written", async (t) => {
  const cwd = scratch(t);
  for (const [args, message] of WRONG) {
    const run = await midge(args, { cwd });
    assert.equal(run.code, 2, `${args}: ${run.stderr}`);
    assert.match(run.stderr, message);
    assert.match(run.stderr, /^midge: [^\n]*\n$/, "one line");
    assert.equal(run.stdout, "");
    assert.deepEqual(readdirSync(cwd), []);
  }
});

test("demo says when the digits are not there", async (t) => {
  const cwd = scratch(t);
  const run = await midge(["demo"], { cwd, env: { MIDGE_DIGITS: "gone.npy" } });
  assert.equal(run.code, 2);
  assert.match(run.stderr, /^midge: gone\.npy: [^\n]*\n$/);
  assert.deepEqual(readdirSync(cwd), []);
});

test("queries without a swarm fail and write nothing", async (t) => {
  const cwd = scratch(t);
  for (const command of ["status", "tasks", "events"]) {
    const run = await midge([command], { cwd });
    assert.equal(run.code, 1);
    assert.match(run.stderr, /^midge: there is no swarm in [^\n]*\n$/);
  }
  const run = await midge(["predict", PENGUINS], { cwd });
  assert.equal(run.code, 2);
  assert.match(run.stderr, /no model/);
  assert.deepEqual(readdirSync(cwd), []);
});
