#!/usr/bin/env python3
"""What nn_bench.c measures, with PyTorch on one thread of the CPU.

    nn_torch.py adam|sgd REPETITIONS

Same shape, same kind of rows, same batches (a new permutation every epoch, rows
taken by index_select). The optimizers run in the faster of their two forms
(foreach), gradients are set to None, and the last line of a first run names the
BLAS in use: Debian's PyTorch takes whichever is installed, and with the
reference BLAS it would be several times slower.
"""
import json
import re
import sys
import time

import numpy
import torch

ROWS, INPUTS, CLASSES, STRIPE, BLOCK, BATCH = 60000, 784, 10, 78, 256, 32


def make_rows():
    rng = numpy.random.default_rng(1)
    x = rng.integers(0, 256, (ROWS, INPUTS), dtype=numpy.uint8)
    x[rng.integers(0, 5, (ROWS, INPUTS), dtype=numpy.uint8) > 0] = 0
    x = x.astype(numpy.float32) / 255
    stripes = x[:, :CLASSES * STRIPE].reshape(ROWS, CLASSES, STRIPE)
    return torch.from_numpy(x), torch.from_numpy(
        stripes.sum(axis=2).argmax(axis=1))


def epoch(net, loss_of, optimizer, x, t):
    order = torch.randperm(ROWS)
    total = 0.0
    for at in range(0, ROWS, BATCH):
        rows = order[at:at + BATCH]
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(net(x.index_select(0, rows)), t.index_select(0, rows))
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / ROWS


def blas():
    with open("/proc/self/maps") as maps:
        paths = set(re.findall(r"\S*lib(?:open)?(?:blas|mkl_rt)\S*",
                               maps.read()))
    return sorted(paths)


def report(what, start, **more):
    ms = round((time.perf_counter() - start) * 1e3, 3)
    print(json.dumps({"engine": "torch", "what": what, "ms": ms, **more}),
          flush=True)


def main():
    trainer, repetitions = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(1)
    torch.manual_seed(1)
    x, t = make_rows()
    net = torch.nn.Sequential(torch.nn.Linear(INPUTS, 128), torch.nn.ReLU(),
                              torch.nn.Linear(128, CLASSES))
    optimizer = {
        "adam": lambda p: torch.optim.Adam(p, lr=0.001, foreach=True),
        "sgd": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9,
                                         foreach=True),
    }[trainer](net.parameters())
    loss_of = torch.nn.CrossEntropyLoss()
    epoch(net, loss_of, optimizer, x, t)
    for _ in range(repetitions):
        start = time.perf_counter()
        loss = epoch(net, loss_of, optimizer, x, t)
        report("epoch_" + trainer, start, loss=round(loss, 4))
    softmax = torch.nn.Softmax(dim=1)
    with torch.inference_mode():
        for i in range(repetitions + 1):
            start = time.perf_counter()
            for at in range(0, ROWS, BLOCK):
                softmax(net(x[at:at + BLOCK]))
            if i > 0:
                report("run", start)
    print(json.dumps({"engine": "torch", "version": torch.__version__,
                      "blas": blas()}))


main()
