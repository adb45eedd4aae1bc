// What a page and a worker do for pool.test.mjs. The address says which jobs.
import { openPool } from "./dist/index.js";
import { everything, flat, stress } from "./js/pool_support.mjs";

export const bitsOf = (results) =>
  flat(results).map(([name, x]) => [name, [...new Uint32Array(x.buffer)]]);

async function jobs(options) {
  const pool = await openPool(options);
  const answer = {
    info: pool.info(),
    bits: bitsOf(await everything(pool)),
    wrong: await stress(pool, options.variant ? 500 : 20000),
  };
  await pool.dispose();
  const late = await pool.gemv([1], [1]).catch((error) => error.code);
  return { ...answer, late };
}

export async function answerAll() {
  return {
    isolated: globalThis.crossOriginIsolated,
    three: await jobs({ threads: 3 }),
    scalar: await jobs({ threads: 2, variant: "scalar" }),
  };
}
