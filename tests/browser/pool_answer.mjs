// What a page and a worker do for pool.test.mjs. The address says which jobs.
import { createIndex, openPool } from "./dist/index.js";
import { answers, makeIndex } from "./js/index_support.mjs";
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

/** An index that threads work on, with texts from the shared memory. */
async function indexed() {
  const index = await makeIndex(createIndex, { threads: 3 });
  const { threads } = index;
  const texts = await createIndex({ dim: 1, ids: "text", threads: 2,
    columns: { word: "string" } });
  texts.add([[1]], { ids: ["é"], metadata: [{ word: "ü" }] });
  const found = texts.search([1], { metadata: true });
  const answer = { threads, found, answers: JSON.stringify(answers(index, 100)) };
  await index.close();
  await texts.close();
  return answer;
}

export async function answerAll() {
  return {
    isolated: globalThis.crossOriginIsolated,
    three: await jobs({ threads: 3 }),
    scalar: await jobs({ threads: 2, variant: "scalar" }),
    index: await indexed(),
  };
}
