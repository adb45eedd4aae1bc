/** Models that `midge learn` wrote. */
import { MidgeError, type Core } from "./core.js";
import type { CoreExports } from "./exports.js";
import { Handle } from "./handle.js";

export interface Prediction {
  readonly nRows: number;
  /** Row-major (nRows, nOutputs): class probabilities, or one standardised
   * value; `Model.values` turns them into answers. */
  readonly outputs: Float32Array;
}

/** A model with its encoder. */
export class Model extends Handle {
  readonly nInputs: number;
  readonly nOutputs: number;
  readonly problem: "classify" | "regress";
  /** Name of the column that is predicted. */
  readonly target: string;
  /** Names of the classes, in the order of the outputs; empty to regress. */
  readonly classes: readonly string[];

  private readonly core: Core<CoreExports>;

  /** Use `Midge.openModel`. */
  constructor(core: Core<CoreExports>, at: number) {
    super(core, at, core.calls.bundle_close);
    this.core = core;
    this.nInputs = core.calls.bundle_n_inputs(at);
    this.nOutputs = core.calls.bundle_n_outputs(at);
    this.problem = core.calls.bundle_problem(at) === 0 ? "classify" : "regress";
    this.target = core.text(core.calls.bundle_target(at));
    const nClasses = this.problem === "classify" ? this.nOutputs : 0;
    this.classes = Array.from({ length: nClasses }, (_, i) =>
      core.text(core.calls.bundle_class(at, i)),
    );
  }

  /** Predicts encoded features, row-major (nRows, nInputs). */
  predict(features: Float32Array): Prediction {
    const { core, handle, nInputs, nOutputs } = this;
    const nRows = features.length / nInputs;
    if (!Number.isInteger(nRows) || nRows === 0) {
      throw new MidgeError(
        "E_MISMATCH",
        `${features.length} features do not fill rows of ${nInputs}`,
      );
    }
    const { buffer, byteOffset, byteLength } = features;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    return core.withRoom(nRows * nOutputs * 4, (y) =>
      core.withBytes(bytes, (x) => {
        core.check(core.calls.bundle_predict(handle, nRows, x, y));
        return { nRows, outputs: core.floats(y, nRows * nOutputs) };
      }),
    );
  }

  /** Predicts every row of a CSV or .npy file, given as its bytes. */
  predictTable(file: Uint8Array): Prediction {
    const { core, handle, nOutputs } = this;
    core.withBytes(file, (at) =>
      core.check(
        core.calls.bundle_predict_table(handle, at, file.byteLength),
      ),
    );
    const nRows = core.calls.prediction_rows();
    const at = core.calls.prediction_outputs();
    const outputs = core.floats(at, nRows * nOutputs);
    core.calls.prediction_release();
    return { nRows, outputs };
  }

  /** Per row the likeliest class, or the value in the unit of the target. */
  values({ nRows, outputs }: Prediction): (string | number)[] {
    const { core, handle, nOutputs, classes } = this;
    return Array.from({ length: nRows }, (_, row) => {
      if (this.problem === "regress") {
        return core.calls.bundle_unscale(handle, outputs[row]!);
      }
      const y = outputs.subarray(row * nOutputs, (row + 1) * nOutputs);
      return classes[y.reduce((best, p, i) => (p > y[best]! ? i : best), 0)]!;
    });
  }
}
