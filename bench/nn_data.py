#!/usr/bin/env python3
"""nn_data.py DIGITS.npy FOLDER: the rows of the benchmark of networks (run_nn.py):
FOLDER/digits and FOLDER/dense, each 61,000 rows of 785 bytes: 784 inputs, which
every side divides by 255, and the class. The last 1,000 rows are for testing.

digits: 9,000 of the 10,000 digits of DIGITS.npy, shuffled and repeated to 60,000;
the other 1,000 are the test. Four of five bytes are 0.
dense: bytes from 1 to 255, drawn; the class is the stripe of 78 inputs with the
largest sum. No byte is 0: here a zero that is skipped helps nobody.
"""
import pathlib
import sys

import numpy

TRAIN, TEST, INPUTS, CLASSES, STRIPE = 60000, 1000, 784, 10, 78


def write(path, rows):
    """Under another name first: a file is there whole or not at all."""
    part = path.with_suffix(".part")
    part.write_bytes(rows.tobytes())
    part.rename(path)


def main():
    digits, folder = numpy.load(sys.argv[1]), pathlib.Path(sys.argv[2])
    rng = numpy.random.default_rng(1)
    digits = digits[rng.permutation(len(digits))]
    known, unseen = digits[:-TEST], digits[-TEST:]
    times = -(-TRAIN // len(known))
    repeated = numpy.concatenate([known] * times)[:TRAIN]
    write(folder / "digits", numpy.concatenate([repeated, unseen]))

    rows = rng.integers(1, 256, (TRAIN + TEST, INPUTS + 1), dtype=numpy.uint8)
    stripes = rows[:, :CLASSES * STRIPE].reshape(-1, CLASSES, STRIPE)
    rows[:, INPUTS] = stripes.sum(axis=2, dtype=numpy.int64).argmax(axis=1)
    write(folder / "dense", rows)


main()
