#!/usr/bin/env python3
"""nn_torch.py WORK NET SET THREADS FOLDER: PyTorch on the CPU as a side of the
benchmark of networks (nn_side.h says what is asked).

What runs is frozen and optimised for inference by PyTorch's own compiler. What
trains takes batches by index_select from tensors that are ready, sets gradients
to None, and never asks for a loss before the epoch is over; the optimizer runs
in the faster of its two forms, which is tried. Debian's PyTorch takes whichever
BLAS is installed: with the reference BLAS it would be several times slower, so
the first line names it.
"""
import json
import re
import sys
import time
import warnings

import numpy
import torch

TRAIN, TEST, BATCH, MANY, MS = 60000, 1000, 32, 1024, 200
SHAPES = {"digits": (784, 128, 10), "dense": (784, 128, 10),
          "small": (16, 32, 4)}
OPTIMIZERS = {
    "sgd": lambda p, how: torch.optim.SGD(p, lr=0.1, foreach=how),
    "momentum": lambda p, how: torch.optim.SGD(p, lr=0.01, momentum=0.9,
                                               foreach=how),
    "adam": lambda p, how: torch.optim.Adam(p, lr=0.001, foreach=how)}


def rows_of(name, folder):
    """Inputs and classes of all rows."""
    if name == "small":
        x = torch.rand(2 * TEST, 16)
        return x, x.reshape(-1, 4, 4).sum(dim=2).argmax(dim=1)
    rows = numpy.fromfile(f"{folder}/{name}", dtype=numpy.uint8)
    rows = rows.reshape(-1, 785)
    x = rows[:, :784].astype(numpy.float32) / 255
    return torch.from_numpy(x), torch.from_numpy(
        rows[:, 784].astype(numpy.int64))


def new_net(shape, *more):
    return torch.nn.Sequential(
        torch.nn.Linear(shape[0], shape[1]), torch.nn.ReLU(),
        torch.nn.Linear(shape[1], shape[2]), *more)


def set_weights(net, path):
    """Those of nn_midge.c: (n_in, n_out) and the biases of each layer."""
    run, at = torch.from_numpy(numpy.fromfile(path, dtype=numpy.float32)), 0
    with torch.no_grad():
        for layer in (net[0], net[2]):
            n_out, n_in = layer.weight.shape
            middle = at + n_in * n_out
            layer.weight.copy_(run[at:middle].reshape(n_in, n_out).T)
            layer.bias.copy_(run[middle:middle + n_out])
            at = middle + n_out


def blas():
    with open("/proc/self/maps") as maps:
        paths = set(re.findall(r"\S*lib(?:open)?(?:blas|mkl_rt)\S*",
                               maps.read()))
    return sorted(path.split("/")[-1] for path in paths)


def answer(**what):
    print(json.dumps(what), flush=True)


def questions():
    """Yields at each "go" the time at which it was asked."""
    for line in sys.stdin:
        if line.strip() != "go":
            break
        yield time.perf_counter()


def took(start, n, **more):
    answer(ms=round((time.perf_counter() - start) * 1e3, 4), n=n, **more)


def score(run, x, t):
    with torch.inference_mode():
        found = run(x).argmax(dim=1)
    answer(accuracy=(found == t).float().mean().item())


# ---- Running ----------------------------------------------------------------

def runs(work, name, folder):
    x, t = rows_of(name, folder)
    net = new_net(SHAPES[name], torch.nn.Softmax(dim=1)).eval()
    if name != "small":
        set_weights(net, f"{folder}/relu.{name}.weights")
    x, t = x[-TEST:].contiguous(), t[-TEST:]
    parts = ([row.clone() for row in x.split(1)] if work == "one" else
             [torch.cat([x, x])[:MANY].contiguous()])
    with torch.inference_mode():
        run = torch.jit.optimize_for_inference(torch.jit.script(net))
        for _ in range(3):  # it compiles at the second
            for part in parts:
                run(part)
        for start in questions():
            n = 0
            while (time.perf_counter() - start) * 1e3 < MS:
                for part in parts:
                    run(part)
                n += sum(len(part) for part in parts)
            took(start, n)
    score(run, x, t)


# ---- Training ---------------------------------------------------------------

def epoch(net, optimizer, x, t, rows):
    """The mean loss over ROWS rows in a new order."""
    loss_of = torch.nn.functional.cross_entropy
    order, total = torch.randperm(rows), torch.zeros(())
    for at in range(0, rows, BATCH):
        batch = order[at:at + BATCH]
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(net(x.index_select(0, batch)), t.index_select(0, batch))
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(batch)
    return total.item() / rows


def faster_way(make, shape, x, t):
    """Whether the optimizer is faster on all weights at once: on a network
    that is thrown away."""
    took = {}
    for way in (True, False, True, False):
        net = new_net(shape)
        optimizer = make(net.parameters(), way)
        start = time.perf_counter()
        epoch(net, optimizer, x, t, TRAIN // 20)
        took[way] = min(time.perf_counter() - start, took.get(way, 1e9))
    return min(took, key=took.get)


def trains(work, name, folder):
    x, t = rows_of(name, folder)
    make = OPTIMIZERS[work]
    way = faster_way(make, SHAPES[name], x, t)
    net = new_net(SHAPES[name])
    set_weights(net, f"{folder}/relu.{name}.start")
    optimizer = make(net.parameters(), way)
    epoch(net, optimizer, x, t, TRAIN)  # warms up
    for start in questions():
        loss = epoch(net, optimizer, x, t, TRAIN)
        took(start, 1, loss=loss, foreach=way)
    score(net, x[-TEST:], t[-TEST:])


def main():
    work, net, name, threads, folder = sys.argv[1:]
    if net != "relu":
        sys.exit(f"nn_torch.py: {net} is not for PyTorch")
    warnings.simplefilter("ignore")
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    if work == "about":
        torch.ones(2, 2) @ torch.ones(2, 2)
        answer(version=torch.__version__, blas=blas())
    elif work in ("one", "many"):
        runs(work, name, folder)
    else:
        trains(work, name, folder)


main()
