// midge.mjs: running the midge program from tests.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const BIN = process.env.MIDGE_BIN;
export const PENGUINS = process.env.MIDGE_PENGUINS;
export const CARS = process.env.MIDGE_CARS;
export const DIGITS = process.env.MIDGE_DIGITS;

for (const [name, path] of Object.entries({
  MIDGE_BIN: BIN,
  MIDGE_PENGUINS: PENGUINS,
  MIDGE_CARS: CARS,
})) {
  if (!path || !existsSync(path)) {
    throw new Error(`${name} must name a file; ./test cli sets it`);
  }
}

/** An empty folder, removed after the test. */
export function scratch(t) {
  const folder = mkdtempSync(join(tmpdir(), "midge-cli-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Runs midge to its end, or kills it after `killAfterMs`. The environment has
 * no MIDGE_DIGITS unless it is given.
 */
export function midge(args, { cwd, killAfterMs, signal = "SIGKILL", env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(BIN, args, {
      cwd,
      env: { PATH: process.env.PATH, ...env },
    });
    const out = { stdout: "", stderr: "", code: null, signal: null };
    child.stdout.on("data", (data) => (out.stdout += data));
    child.stderr.on("data", (data) => (out.stderr += data));
    const timer =
      killAfterMs === undefined
        ? undefined
        : setTimeout(() => child.kill(signal), killAfterMs);
    child.on("error", reject);
    child.on("close", (code, by) => {
      clearTimeout(timer);
      resolve({ ...out, code, signal: by });
    });
  });
}

/** The one JSON object on stdout; fails when there is anything else. */
export async function midgeJson(args, options) {
  const run = await midge([...args, "--json"], options);
  if (run.code !== 0) {
    throw new Error(`midge ${args.join(" ")}: ${run.code} ${run.stderr}`);
  }
  return JSON.parse(run.stdout);
}

/** A seeded generator (mulberry32): numbers in [0, 1). */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));
