// Kernels and vectors from JavaScript: against the native ones bit for bit, blocks of
// the module's memory without copies, and what is refused.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, describe, test } from "node:test";
import { pathToFileURL } from "node:url";

import {
  assertSameBits,
  DIST,
  floatsOf,
  importMidge,
  PACKAGE_URL,
  run,
  scratch,
  VARIANTS,
} from "./wasm_support.mjs";

const midge = await importMidge();
const { loadKernels, loadVectors, selftest, SELFTEST_RESULT } = midge;
const file = (name) => join(DIST, "wasm", `midge-${name}.wasm`);

/** Node 20 has no `using` yet: what a test keeps is disposed after it. */
const kept = [];
function keep(x) {
  kept.push(x);
  return x;
}
afterEach(() => kept.splice(0).forEach((x) => x.dispose()));

/** An instance that nobody else has. */
function fresh(variant = "simd") {
  return loadKernels({ variant, wasm: readFileSync(file(`kernels-${variant}`)) });
}

function freshVectors() {
  return loadVectors({ wasm: readFileSync(file("vectors-simd")) });
}

const N = 1040; // full blocks, half blocks and a rest for every width
const COLS = 16;

function numbers(k, seed) {
  return keep(k.random(seed)).normal(new Float32Array(N));
}

for (const variant of VARIANTS) {
  describe(variant, () => {
    test("the self-test gives what it gives natively", async () => {
      assert.equal(await selftest({ variant }), SELFTEST_RESULT);
      const k = await loadKernels({ variant });
      assert.equal(k.info().isa, variant === "simd" ? "simd128" : "scalar");
    });

    test("the same bits as the native kernels, from arrays and blocks", async () => {
      const k = await fresh(variant);
      const plain = [numbers(k, 1), numbers(k, 2)];
      const folder = scratch(after);
      const paths = plain.map((x, i) => {
        writeFileSync(join(folder, `${i}`), new Uint8Array(x.buffer));
        return join(folder, `${i}`);
      });
      const oracle = join(process.env.MIDGE_BUILD, "tests/js/kernels_oracle");
      const native = floatsOf(run(oracle, paths));
      const blocks = plain.map((x) => k.f32(x));
      for (const [a, b] of [plain, blocks]) {
        const parts = new Float32Array(3);
        const out = keep(k.f32(3));
        const x = keep(k.f32(a.array ?? a));
        const y = keep(k.f32(b.array ?? b));
        k.ops.cosine_f32(N, x.pointer, y.pointer, out.pointer);
        parts.set(out.array);
        const rows = N / COLS;
        const start = (b.array ?? b).subarray(0, COLS);
        const results = [
          [k.dot(a, b), k.l2sq(a, b), k.l1(a, b)],
          parts,
          [k.sum(a), k.norm(a), k.max(a), k.min(a)],
          k.softmax(x).array,
          k.mul(a, b),
          k.gemv(a, start),
          k.matmul(a, b, { m: rows, k: COLS, n: rows }),
        ];
        assertSameBits(Float32Array.from(results.flatMap((r) => [...r])), native);
        const [ab, aa, bb] = parts;
        assert.equal(k.cosine(a, b), ab / Math.sqrt(aa * bb));
      }
      [...blocks, ...kept.splice(0)].forEach((block) => block.dispose());
      assert.equal(k.info().usedBytes, 0);
    });
  });
}

describe("what the methods mean", async () => {
  const k = await fresh();
  const v = await freshVectors();
  const a = Float32Array.of(1, 2, 3, 4, 5, 6);
  const b = Float32Array.of(6, 5, 4, 3, 2, 1);

  test("vectors", () => {
    assert.equal(k.dot(a, b), 56);
    assert.equal(k.l2sq(a, b), 70);
    assert.equal(k.l1(a, b), 18);
    assert.equal(k.cosine(a, a), 1);
    assert.ok(Number.isNaN(k.cosine(a, new Float32Array(6))));
    assert.equal(k.argmax(b), 0);
    assert.equal(k.argmax(Float32Array.of(NaN)), -1);
    assert.equal(k.max(new Float32Array(0)), -Infinity);
    assert.deepEqual([...k.sub(a, b)], [-5, -3, -1, 1, 3, 5]);
    assert.deepEqual([...k.scale(2, a)], [2, 4, 6, 8, 10, 12]);
    const y = Float32Array.from(b);
    assert.equal(k.axpy(1, a, y), y);
    assert.deepEqual([...y], [7, 7, 7, 7, 7, 7]);
    const same = Float32Array.from(a);
    assert.equal(k.add(same, b, same), same);
    assert.deepEqual([...same], [7, 7, 7, 7, 7, 7]);
  });

  test("functions, in place", () => {
    assert.deepEqual([...k.relu(Float32Array.of(-1, 2))], [0, 2]);
    assert.deepEqual([...k.softmax(new Float32Array(4))], [0.25, 0.25, 0.25, 0.25]);
    const x = Float32Array.of(-3, 0, 0.5);
    for (const name of ["exp", "tanh", "sin", "cos"]) {
      [...k[name](Float32Array.from(x))].forEach((y, i) =>
        assert.ok(Math.abs(y - Math[name](x[i])) < 1e-6, name),
      );
    }
    assert.equal(k.sigmoid(Float32Array.of(0))[0], 0.5);
    assert.deepEqual([...k.elliot(Float32Array.of(-1, 3))], [-0.5, 0.75]);
    assert.ok(Math.abs(k.silu(Float32Array.of(1))[0] - 0.7310586) < 1e-6);
    assert.ok(Math.abs(k.gelu(Float32Array.of(1))[0] - 0.8413447) < 1e-6);
    assert.ok(Math.abs(k.logSumExp(x) - Math.log(2.6985083)) < 1e-6);
  });

  test("derivatives, against differences", () => {
    const x = [-2, -0.5, 0.25, 1.5];
    const step = 2 ** -10;
    for (const name of ["relu", "tanh", "sigmoid", "gelu", "silu", "elliot"]) {
      const at = (by) => k[name](Float32Array.from(x, (v) => v + by));
      const of = ["gelu", "silu"].includes(name) ? Float32Array.from(x) : at(0);
      const gradient = k.backward(name, of, new Float32Array(4).fill(2));
      const [up, down] = [at(step), at(-step)];
      gradient.forEach((g, i) => {
        const slope = (up[i] - down[i]) / (2 * step);
        assert.ok(Math.abs(g - 2 * slope) < 1e-3, `${name} at ${x[i]}`);
      });
    }
    const y = k.softmax(Float32Array.of(1, 2));
    const g = k.backward("softmax", y, Float32Array.of(1, 0));
    assert.ok(Math.abs(g[0] - y[0] * y[1]) < 1e-6);
  });

  test("matrices", () => {
    const [m, n] = [{ m: 2, k: 3, n: 2 }, 2];
    assert.deepEqual([...k.matmul(a, b, m)], [20, 14, 56, 41]);
    assert.deepEqual([...k.matmul(a, b, { ...m, fast: true })], [20, 14, 56, 41]);
    const bias = Float32Array.of(100, 200);
    assert.deepEqual([...k.matmul(a, b, { ...m, bias })], [120, 214, 156, 241]);
    const minus = Float32Array.of(-30, -20);
    for (const name of ["relu", "tanh", "sigmoid", "gelu", "silu", "elliot"]) {
      const plain = k.matmul(a, b, { ...m, bias: minus });
      const active = k.matmul(a, b, { ...m, bias: minus, activation: name });
      assertSameBits(active, k[name](plain));
    }
    const out = Float32Array.of(1, 2, 3, 4);
    assert.equal(k.matmul(a, b, { ...m, out, accumulate: true }), out);
    assert.deepEqual([...out], [21, 16, 59, 45]);
    const turned = k.transpose(a, 3);
    assert.deepEqual([...turned], [1, 4, 2, 5, 3, 6]);
    const t = k.matmul(turned, b, { ...m, transposeA: true });
    assert.deepEqual([...t], [20, 14, 56, 41]);
    assert.deepEqual([...k.gemv(a, Float32Array.of(1, 0, 1))], [4, 10]);
    assert.deepEqual([...k.gemvFast(a, Float32Array.of(1, 0, 1))], [4, 10]);
    const x = Float32Array.of(1, 2, 4);
    assert.deepEqual([...k.gemvT(a, Float32Array.of(1, 2))], [9, 12, 15]);
    const sum = k.rank1(new Float32Array(4), 2, bias, Float32Array.of(1, 3));
    assert.deepEqual([...sum], [200, 600, 400, 1200]);
    const sparse = {
      rowStart: Uint32Array.of(0, 2, 2, 3),
      column: Uint32Array.of(0, 2, 1),
      value: Float32Array.of(5, 6, 7),
    };
    assert.deepEqual([...k.spmv(sparse, x)], [29, 0, 14]);
    assert.equal(turned.length / n, 3);
  });

  test("rows of a matrix", () => {
    const x = Float32Array.of(1, 2, 4);
    assert.deepEqual([...v.gemv(a, x)], [17, 38]);
    assert.deepEqual([...v.l2sqRows(a, x)], [1, 22]);
    const rows = Uint32Array.of(1, 0, 1);
    assert.deepEqual([...v.gatherL2sq(a, rows, x)], [22, 1, 22]);
    assert.deepEqual([...v.gatherDot(a, rows, x)], [38, 17, 38]);
  });

  test("the k smallest", () => {
    const x = Float32Array.of(5, NaN, 1, 3, 1);
    const { values, indices } = v.topK(x, 3);
    assert.deepEqual([...values], [1, 1, 3]);
    assert.deepEqual([...indices], [2, 4, 3]);
    assert.deepEqual([...v.topK(x, 99).indices], [2, 4, 3, 0]);
    assert.equal(v.topK(x, 0).values.length, 0);
  });

  test("floats of 16 bits", () => {
    const x = Float32Array.of(1, -2, 65504, 1e-7, Infinity);
    assert.deepEqual([...v.fromF16(v.toF16(x))].slice(0, 3), [1, -2, 65504]);
    assert.deepEqual([...v.toBf16(x)].slice(0, 2), [0x3f80, 0xc000]);
    assert.equal(v.dotF16(v.toF16(a), v.toF16(b)), 56);
    assert.equal(v.l2sqBf16(v.toBf16(a), v.toBf16(b)), 70);
  });

  test("bytes", () => {
    const [x, y] = [Int8Array.of(-128, 2, 127), Int8Array.of(-128, -3, 1)];
    assert.equal(v.dot(x, y), 16384 - 6 + 127);
    assert.equal(v.l2sq(x, y), 25 + 126 * 126);
    assert.equal(v.cosine(x, x), 1);
    const [u, w] = [Uint8Array.of(255, 0), Uint8Array.of(255, 10)];
    assert.equal(v.dot(u, w), 65025);
    assert.equal(v.l2sq(u, w), 100);
    const most = new Uint8Array(65536).fill(255);
    assert.equal(v.dot(most, most), 65536 * 65025); // more than 2^31
    const rows = Uint32Array.of(1, 0);
    assert.deepEqual([...v.gatherDot(w, rows, Uint8Array.of(2))], [20, 510]);
    const dots = v.gatherDot(x, rows, Int8Array.of(-1));
    assert.deepEqual(dots, Int32Array.of(-2, 128));
    assert.deepEqual(v.gatherL2sq(x, rows, Int8Array.of(0)), Uint32Array.of(4, 16384));
    const z = Float32Array.of(-1, 0.5, 1, NaN);
    assert.deepEqual(v.toI8(z, 127), Int8Array.of(-127, 64, 127, 0));
    assert.deepEqual(v.fromI8(Int8Array.of(-2, 4), 0.5), Float32Array.of(-1, 2));
  });

  test("bits", () => {
    const [x, y] = [Uint8Array.of(0b1100, 255, 1), Uint8Array.of(0b1010, 0, 1)];
    assert.equal(v.popcount(x), 11);
    assert.equal(v.hamming(x, y), 10);
    assert.equal(v.andCount(x, y), 2);
    assert.equal(v.orCount(x, y), 12);
    assert.deepEqual(v.xor(x, y), Uint8Array.of(0b0110, 255, 0));
    assert.deepEqual(v.and(x, y), Uint8Array.of(0b1000, 0, 1));
    assert.deepEqual(v.or(x, y), Uint8Array.of(0b1110, 255, 1));
    const rows = Uint32Array.of(0, 2);
    assert.deepEqual([...v.gatherHamming(x, rows, Uint8Array.of(0))], [2, 1]);
  });

  test("checksums, random numbers", () => {
    const text = new TextEncoder().encode("123456789");
    assert.equal(v.crc32c(text), 0xe3069283);
    const [head, tail] = [text.subarray(0, 4), text.subarray(4)];
    assert.equal(v.crc32c(tail, v.crc32c(head)), 0xe3069283);
    const random = keep(k.random(7));
    const again = keep(k.random(7n));
    assert.equal(random.next(), again.next());
    const x = random.uniform(new Float32Array(1000));
    assert.ok(x.every((u) => u >= 0 && u < 1));
    assert.ok(Math.abs(k.sum(x) / 1000 - 0.5) < 0.05);
    assert.ok(Array.from({ length: 99 }, () => random.below(3)).every((i) => i < 3));
    const cards = Uint32Array.from({ length: 52 }, (_, i) => i);
    const shuffled = random.shuffle(Uint32Array.from(cards));
    assert.notDeepEqual(shuffled, cards);
    assert.deepEqual(shuffled.sort(), cards);
    const other = keep(random.split(1));
    assert.notEqual(other.next(), again.next());
    assert.throws(() => random.below(0), { code: "E_INVALID" });
  });

  test("nothing stays behind", () => {
    assert.equal(k.info().usedBytes, 0);
    assert.equal(v.info().usedBytes, 0);
  });
});

describe("blocks", () => {
  test("are used where they lie, and found again after growth", async () => {
    const k = await fresh();
    const a = keep(k.f32(768));
    const before = a.array;
    before.fill(2);
    assert.equal(a.array, before);
    const { memoryBytes } = k.info();
    const big = keep(k.f32(memoryBytes)); // four times the memory there is
    assert.ok(k.info().memoryBytes > memoryBytes);
    assert.equal(before.length, 0); // what was handed out is empty now
    assert.notEqual(a.array, before);
    assert.deepEqual([...a.array], Array(768).fill(2));
    assert.equal(k.dot(a, a), 4 * 768);
    assert.throws(() => k.dot(before, a), /0 elements and 768/);
    assert.throws(() => k.matmul(before, a, { m: 1, k: 768, n: 1 }), /memory grew/);
    assert.equal(big.array.at(-1), 0);
  });

  test("plain arrays may be larger than all the memory there is", async () => {
    const k = await fresh();
    const n = 1 << 19; // the copy of each makes the memory grow
    const a = Float32Array.from({ length: n }, (_, i) => i % 3);
    const b = new Float32Array(n).fill(2);
    assert.equal(k.dot(a, b), 2 * a.reduce((sum, x) => sum + x, 0));
    assert.deepEqual(k.add(a, b), a.map((x) => x + 2));
    assert.ok(k.info().peakBytes >= 12 * n);
    assert.equal(k.info().usedBytes, 0);
  });

  test("parts of a block's array are not copied either", async () => {
    const k = await fresh();
    const a = keep(k.f32([1, 2, 3, 4]));
    const used = k.info().peakBytes;
    k.relu(k.scale(-1, a.array.subarray(1, 3), a.array.subarray(1, 3)));
    assert.deepEqual([...a.array], [1, 0, 0, 4]);
    assert.equal(k.info().peakBytes, used);
  });

  test("results go into blocks, which are returned", async () => {
    const k = await fresh();
    const a = keep(k.f32([1, 2, 3, 4]));
    const out = keep(k.f32(2));
    assert.equal(k.gemv(a, Float32Array.of(1, 1), out), out);
    assert.deepEqual([...out.array], [3, 7]);
    const same = k.add(a, a, a);
    assert.equal(same, a);
    assert.deepEqual([...same.array], [2, 4, 6, 8]);
  });

  test("a disposed one is refused, and a second dispose does nothing", async () => {
    const k = await fresh();
    const a = k.f32([1, 2]);
    const at = a.pointer;
    a.dispose();
    a.dispose();
    assert.equal(a.disposed, true);
    const gone = { code: "DISPOSED", message: /this Block was disposed/ };
    assert.throws(() => a.array, gone);
    assert.throws(() => a.pointer, gone);
    assert.throws(() => k.dot(a, a), gone);
    assert.equal(k.f32(2).pointer, at); // the room is free again
    const random = k.random(1);
    random.dispose();
    assert.throws(() => random.next(), { code: "DISPOSED" });
  });

  test("using would give them back at the end of a scope", async () => {
    const k = await fresh();
    const a = k.f32(1000);
    assert.equal(k.info().usedBytes, 4032);
    a[Symbol.dispose]();
    assert.equal(a.disposed, true);
    assert.equal(k.info().usedBytes, 0);
    assert.equal(k.info().peakBytes, 4032);
  });

  test("forgotten ones are given back, ones with a living array are not", () => {
    const script = `
      const { loadKernels } = await import(${JSON.stringify(PACKAGE_URL)});
      const k = await loadKernels();
      const { array } = k.f32([1, 2, 3]);
      for (let i = 0; i < 10; i++) k.f32(1000);
      const before = k.info().usedBytes;
      for (let i = 0; i < 20 && k.info().usedBytes > 1000; i++) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      console.log(JSON.stringify([before, k.info().usedBytes, [...array]]));`;
    const args = ["--expose-gc", "--input-type=module", "-e", script];
    const [before, now, array] = JSON.parse(run(process.execPath, args));
    assert.ok(before > 40000);
    assert.equal(now, 64); // the block of the array that is still in use
    assert.deepEqual(array, [1, 2, 3]);
  });
});

describe("what is refused", async () => {
  const k = await fresh();
  const v = await freshVectors();
  const [two, three] = [new Float32Array(2), new Float32Array(3)];
  const mismatch = (f, message) =>
    assert.throws(f, { code: "E_MISMATCH", message });
  const invalid = (f, message) => assert.throws(f, { code: "E_INVALID", message });

  test("lengths that do not fit", () => {
    mismatch(() => k.dot(two, three), /^dot: 2 elements and 3$/);
    mismatch(() => k.axpy(1, two, three), /axpy/);
    mismatch(() => k.add(two, two, three), /add/);
    mismatch(() => k.gemv(three, two), /3 elements do not fill rows of 2/);
    mismatch(() => k.gemv(three, three, two), /the result has 2/);
    mismatch(() => k.matmul(two, two, { m: 1, k: 2, n: 2 }), /B has 2 .* 4 are/);
    mismatch(() => k.matmul(two, two, { m: 1.5, k: 2, n: 1 }), /m is 1\.5/);
    const huge = { m: 2 ** 26, k: 1, n: 2 ** 26 };
    mismatch(() => k.matmul(two, two, huge), /A has 2 .* 67108864 are/);
    const shape = { m: 1, k: 2, n: 1 };
    mismatch(() => k.matmul(two, two, { ...shape, bias: two }), /the bias has 2/);
    mismatch(() => v.gatherDot(two, Uint32Array.of(1), two), /no row 1 of 1/);
    mismatch(() => v.topK(two, -1), /k is -1/);
    mismatch(() => k.backward("gel", two, two), /no activation "gel"/);
    mismatch(() => k.gemvT(three, two), /3 elements do not fill rows of 2/);
    mismatch(() => k.rank1(three, 1, two, two), /A has 3 elements where 4/);
    const [rowStart, column] = [Uint32Array.of(0, 1), Uint32Array.of(2)];
    const value = new Float32Array(1);
    const sparse = { rowStart, column, value };
    mismatch(() => k.spmv(sparse, two), /there is no column 2 of 2/);
    rowStart[1] = 9;
    mismatch(() => k.spmv(sparse, three), /do not rise to at most 1/);
  });

  test("types that do not fit", () => {
    invalid(() => v.dot([1, 2], [1, 2]), /a Float32Array, Int8Array/);
    invalid(() => v.l1([1, 2], [1, 2]), /a Float32Array or a block of f32/);
    invalid(() => v.dot(two, new Float64Array(2)), /a Float32Array or/);
    invalid(() => v.gatherDot(two, new Int32Array(1), two), /a Uint32Array/);
    const bytes = keep(v.u8(2));
    invalid(() => v.dot(two, bytes), /a Float32Array or a block of f32/);
    invalid(() => v.dot(bytes, two), /a Uint8Array or a block of u8/);
    invalid(() => v.dot(bytes, new Int8Array(2)), /a Uint8Array/);
    invalid(() => v.dot("ab", two), /dot: a Float32Array, Int8Array, Uint8Array/);
    const many = new Int8Array(65537);
    mismatch(() => v.dot(many, many), /65537 bytes in a vector; 65536/);
    const shape = { m: 1, k: 2, n: 1, activation: "gel" };
    mismatch(() => k.matmul(two, two, shape), /no activation "gel"/);
    invalid(() => k.f32(-1), /no length/);
    invalid(() => k.f32(0.5), /no length/);
    assert.throws(() => k.f32(2 ** 31), { code: "E_NOMEM" });
  });

  test("blocks of another instance, and results upon their sources", async () => {
    const other = await fresh();
    const foreign = keep(other.f32(2));
    invalid(() => k.dot(foreign, two), /the memory of another instance/);
    const a = keep(k.f32([1, 2, 3, 4]));
    invalid(() => k.transpose(a, 2, a), /lies upon/);
    const [x, out] = [a.array.subarray(0, 3), a.array.subarray(1, 4)];
    invalid(() => k.add(x, x, out), /lies upon/);
    invalid(() => k.axpy(1, x, out), /lies upon/);
    invalid(() => k.backward("relu", x, out), /lies upon/);
    assert.deepEqual([...a.array], [1, 2, 3, 4]);
  });

  test("and nothing stays behind", () => {
    assert.equal(k.info().usedBytes, 0);
  });
});

describe("vectors and kernels", () => {
  for (const variant of VARIANTS) {
    test(`${variant}: what both have gives the same bits`, async () => {
      const v = await loadVectors({ variant });
      const k = await loadKernels({ variant });
      assert.equal(v.info().module, `vectors-${variant}`);
      assert.equal(v.info().isa, k.info().isa);
      const [a, b] = [numbers(v, 1), numbers(v, 2)];
      assertSameBits(numbers(k, 1), a);
      for (const name of ["dot", "l2sq", "l1", "cosine"]) {
        assert.equal(v[name](a, b), k[name](a, b), name);
      }
      assertSameBits(v.gemv(a, b.subarray(0, COLS)), k.gemv(a, b.subarray(0, COLS)));
      assert.equal(v.matmul, undefined);
      assert.equal(v.ops.gemm_f32, undefined);
      assert.equal(k.ops.dot_i8, undefined);
    });
  }

  test("the variants of vectors agree on rows, bytes and bits", async () => {
    const answers = await Promise.all(
      VARIANTS.map(async (variant) => {
        const v = await loadVectors({ variant });
        const [a, b] = [numbers(v, 1), numbers(v, 2)];
        const rows = Uint32Array.from({ length: N / COLS }, (_, i) => i);
        const found = v.gatherL2sq(a, rows, b.subarray(0, COLS));
        const bytes = v.toI8(a, 127 / Math.max(...a.map(Math.abs)));
        const bits = new Uint8Array(a.buffer);
        const halves = [v.dotF16(v.toF16(a), v.toF16(b)), v.dotBf16(v.toBf16(a), v.toBf16(b))];
        return [v.topK(found, 5), bytes, v.dot(bytes, bytes), v.popcount(bits), halves];
      }),
    );
    assert.deepEqual(answers[0], answers[1]);
  });
});

describe("loading", () => {
  test("callers share one instance, given bytes make their own", async (t) => {
    for (const load of [loadKernels, loadVectors]) {
      const same = await Promise.all(Array.from({ length: 8 }, () => load()));
      assert.ok(same.every((k) => k === same[0]));
    }
    const wasm = new URL(`${pathToFileURL(file("kernels-simd")).href}?once`);
    const compile = t.mock.method(WebAssembly, "compile");
    const instantiate = t.mock.method(WebAssembly, "instantiate");
    await Promise.all(Array.from({ length: 8 }, () => loadKernels({ wasm })));
    assert.equal(compile.mock.callCount(), 1);
    assert.equal(instantiate.mock.callCount(), 1);
    const all = [await loadKernels()];
    assert.notEqual(await loadKernels({ variant: "scalar" }), all[0]);
    assert.notEqual(await fresh(), await fresh());
  });

  test("one that stopped in the middle is replaced by a fresh one", async () => {
    const k = await loadKernels();
    assert.throws(() => k.ops.sum_f32(4, 2 ** 32 - 16), { code: "TRAPPED" });
    assert.equal(k.alive, false);
    assert.throws(() => k.dot(new Float32Array(1), new Float32Array(1)), {
      code: "TRAPPED",
    });
    const [next, same] = await Promise.all([loadKernels(), loadKernels()]);
    assert.notEqual(next, k);
    assert.equal(next, same);
    assert.equal(next.sum(Float32Array.of(1, 2)), 3);
  });

  test("a module of the other variant is refused, not told as this one", async () => {
    const wasm = readFileSync(file("kernels-scalar"));
    const wrong = { code: "LOAD_FAILED", message: /kernels-simd\.wasm is scalar/ };
    await assert.rejects(loadKernels({ variant: "simd", wasm }), wrong);
    assert.equal((await loadKernels({ variant: "scalar", wasm })).info().isa, "scalar");
  });

  test("a module that lacks an operation is refused by name", async () => {
    const wasm = readFileSync(join(DIST, "wasm", "midge-swarm.wasm"));
    await assert.rejects(loadKernels({ wasm }), {
      code: "LOAD_FAILED",
      message: /is no midge-kernels-simd of this version: it has no \w+/,
    });
  });

  test("relaxed SIMD only when it is asked for and there", async () => {
    const script = `
      const m = await import(${JSON.stringify(PACKAGE_URL)});
      const plain = (await m.loadKernels()).info().variant;
      const answer = await m.loadKernels({ variant: "relaxed" }).then(
        (k) => [k.info().module, k.sum(Float32Array.of(1, 2)) === 3,
          [...k.matmul(Float32Array.of(1, 2), Float32Array.of(3, 4),
            { m: 1, k: 2, n: 1, fast: true })]],
        (error) => [error.code, error.message]);
      console.log(JSON.stringify([plain, m.hasRelaxedSimd(), ...answer]));`;
    const answer = (...flags) => {
      const args = [...flags, "--input-type=module", "-e", script];
      const done = spawnSync(process.execPath, args, { encoding: "utf8" });
      return JSON.parse(done.stdout);
    };
    const flag = "--experimental-wasm-relaxed-simd";
    const [plain, has, ...rest] = answer();
    assert.equal(plain, "simd");
    if (!has) {
      assert.equal(rest[0], "E_UNSUPPORTED");
      assert.ok(rest[1].includes(flag));
      const with_ = answer(flag);
      assert.deepEqual(with_, ["simd", true, "kernels-relaxed", true, [11]]);
    } else {
      assert.deepEqual(rest, ["kernels-relaxed", true, [11]]);
    }
  });
});
