// index_support.mjs: data for indexes of vectors, in Node and in a page: nothing
// of Node here.

/** Numbers from -1 to 1, the same every time. */
export function numbers(count, seed) {
  let x = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return (x >>> 8) / 2 ** 23 - 1;
  });
}

export const DIM = 24;
export const ROWS = 3000;

/** An index with a graph, metadata and holes; the same everywhere. */
export async function makeIndex(createIndex, more = {}) {
  const index = await createIndex({
    dim: DIM,
    metric: "l2sq",
    kind: "hnsw",
    m: 8,
    efConstruction: 40,
    seed: 7,
    columns: { n: "int", even: "bool", word: "string" },
    ...more,
  });
  fill(index, 0, ROWS, 1);
  const odd = Array.from({ length: 50 }, (_, i) => 3 * i + 1);
  if (index.delete(odd) !== odd.length) {
    throw new Error("not all were deleted");
  }
  return index;
}

/** Adds rows with the ids from `first` on. */
export function fill(index, first, n, seed) {
  const ids = Array.from({ length: n }, (_, i) => first + i);
  const metadata = ids.map((id) =>
    id % 5 === 0 ? null : { n: id, even: id % 2 === 0, word: `w${id % 10}` });
  index.add(numbers(n * DIM, seed), { ids, metadata });
}

/** What it answers to some questions, as plain values. */
export function answers(index, nQueries = 20) {
  const queries = numbers(nQueries * DIM, 99);
  const ask = (options) => {
    const { counts, ids, distances } = index.searchMany(queries, options);
    return [...counts, ...ids, ...distances];
  };
  return {
    count: index.count,
    walked: ask({ k: 5, ef: 50 }),
    exact: ask({ k: 5, exact: true }),
    filtered: ask({ k: 5, filter: 'even = true and word in ("w2", "w4")' }),
    row: index.get(14),
    gone: index.has(4),
  };
}
