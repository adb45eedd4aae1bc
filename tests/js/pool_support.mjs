// pool_support.mjs: jobs for a pool, in Node and in a page: nothing of Node here.

/** The same numbers every time; whole ones make ties. */
export function numbers(count, seed, round = (x) => x) {
  let x = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return round((x >>> 8) / 2 ** 23 - 1);
  });
}

/** Every job at a size where it is shared, and at one where it is not. */
export async function everything(p) {
  const results = {};
  for (const [name, n, dim] of [["small", 3, 5], ["large", 5003, 67]]) {
    const rows = p.f32(numbers(n * dim, 1));
    const ties = numbers(n * dim, 3, (x) => Math.round(x * 2));
    const x = numbers(dim, 2);
    const k = Math.min(n, 40);
    const index = p.openIndex(dim, "cosine");
    index.add(rows);
    results[name] = {
      dot: await p.gemv(rows, x),
      l2sq: await p.l2sqRows(rows.array, x),
      nearest: await p.nearest(rows, x, k),
      ties: await p.nearest(ties, ties.subarray(0, dim), k),
      best: await p.nearest(rows, x, k, "dot"),
      found: await index.search(rows.array.slice(0, dim * Math.min(n, 300)), 7),
      product: await p.matmul(numbers(n * dim, 4), numbers(dim * 33, 5),
        { m: n, k: dim, n: 33 }),
    };
    index.dispose();
    rows.dispose();
  }
  return results;
}

export function flat(results) {
  return Object.entries(results).flatMap(([size, jobs]) =>
    Object.entries(jobs).flatMap(([job, got]) =>
      got instanceof Float32Array
        ? [[`${size} ${job}`, got]]
        : [[`${size} ${job} rows`, new Float32Array(got.rows.buffer)],
          [`${size} ${job} distances`, got.distances]]));
}

/** Jobs of odd sizes, around where they become worth sharing, of two kinds that
 * write to the same place, with nothing between them: a late worker meets the
 * next one. What is wrong, or undefined. */
export async function stress(p, jobs) {
  const cols = 1031;
  const most = 301;
  const rows = p.f32(numbers(most * cols, 9));
  const x = p.f32(numbers(cols, 10));
  const expected = [await p.gemv(rows, x), await p.l2sqRows(rows, x)];
  const out = p.f32(most).array;
  const a = rows.array;
  for (let i = 0; i < jobs; i++) {
    const n = 60 + (i * 7919) % (most - 60);
    const from = a.subarray(0, n * cols);
    const to = out.subarray(0, n);
    to.fill(NaN);
    await (i % 2 ? p.l2sqRows(from, x, to) : p.gemv(from, x, to));
    for (let j = 0; j < n; j++) {
      if (to[j] !== expected[i % 2][j]) {
        return `job ${i}, row ${j} of ${n}: ${to[j]}`;
      }
    }
  }
  return undefined;
}
