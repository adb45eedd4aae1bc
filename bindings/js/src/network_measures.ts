/** How good outputs are, as the core measures it (include/midge/measure.h). */
import type { Core } from "./core.js";
import type { NnxExports } from "./exports.js";
import { withFloats } from "./network_calls.js";
import type {
  ClassificationMeasures,
  RegressionMeasures,
} from "./network_options.js";
import { bytesOf, measured, readStruct } from "./structs.js";

/** What is not a number was not defined. */
function defined<T extends object>(
  measures: T,
): { [K in keyof T]: T[K] extends number ? number | null : T[K] } {
  return Object.fromEntries(
    Object.entries(measures).map(([name, x]) => [name, measured(x as number)]),
  ) as { [K in keyof T]: T[K] extends number ? number | null : T[K] };
}

export function measureRegression(
  core: Core<NnxExports>,
  y: Float32Array,
  t: Float32Array,
  outputs: number,
  limit: number,
): RegressionMeasures {
  return withFloats(core, y, (yAt) =>
    withFloats(core, t, (tAt) => {
      const n = y.length / outputs;
      const at = core.calls.measure_regression(n, outputs, yAt, tAt, limit);
      const read = readStruct(
        core,
        core.checkHandle(at),
        "midge_regression_measures",
      );
      const { nRows, bitFail } = read;
      return { ...defined(read), nRows, bitFail };
    }),
  );
}

export function measureClasses(
  core: Core<NnxExports>,
  p: Float32Array,
  labels: Int32Array,
  outputs: number,
): ClassificationMeasures {
  const n = labels.length;
  const classes = Math.max(outputs, 2);
  const size = bytesOf("midge_class_measures");
  const bytes = new Uint8Array(labels.buffer);
  return withFloats(core, p, (from) =>
    core.withBytes(bytes, (of) =>
      core.withRoom(classes * size, (each) =>
        core.withRoom(classes * classes * 8, (counts) => {
          const { measure_classes } = core.calls;
          const at = measure_classes(n, outputs, from, of, each, counts);
          core.checkHandle(at);
          const all = readStruct(core, at, "midge_classification_measures");
          const confusion = new BigUint64Array(
            core.memory.buffer,
            counts,
            classes * classes,
          );
          const row = (i: number) =>
            confusion.subarray(i * classes, (i + 1) * classes);
          const list = Array.from({ length: classes }, (_, i) => i);
          return {
            ...defined(all),
            nRows: all.nRows,
            classes: list.map((i) => {
              const where = each + i * size;
              const one = readStruct(core, where, "midge_class_measures");
              return { ...defined(one), nRows: one.nRows };
            }),
            confusion: list.map((i) => Array.from(row(i), Number)),
          };
        }),
      ),
    ),
  );
}
