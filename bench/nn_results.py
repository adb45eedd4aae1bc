"""nn_results.py: from the lines that run_nn.py measured to figures: what each
side took in each contest, the targets, and how near to what the machine can."""
import collections

import report as pages

EPOCH_ROWS, BATCH, MANY = 60000, 32, 1024
WEIGHTS = 784 * 128 + 128 * 10  # without biases
# How far an accuracy may be below the peer's and be the same: of drawn rows it
# still rises steeply after a few epochs.
SAME = {"digits": 0.01, "dense": 0.05}
SMALL = {"small", "xor"}


def unit(work, name):
    """What is told, and how much of it a ms of one row or epoch is."""
    if work in ("one", "many"):
        return {"one": ("us a row", 1e3),
                "many": ("ms for 1,024 rows", MANY)}[work]
    if work == "cascade":
        return "ms a network", 1
    return ("us an epoch", 1e3) if name in SMALL else ("ms an epoch", 1)


def key(line):
    threads = f", {line['threads']} threads" if line["threads"] > 1 else ""
    return f"{line['work']} {line['net']} {line['set']}{threads}"


def only(values):
    """Of a value of each round the last one."""
    found = [value for value in values if value is not None]
    return found[-1] if found else None


def of_side(lines):
    """Of the lines of one side in one contest."""
    times = [x for x in lines if x["what"] == "time"]
    score = [x["accuracy"] for x in lines if x["what"] == "score"]
    name, factor = unit(times[0]["work"], times[0]["set"])
    found = {"unit": name,
             "time": pages.spread((x["ms"] / x["n"] * factor for x in times), 4)}
    for what in ("loss", "mse"):
        value = only(x.get(what) for x in times)
        if value is not None:
            found[what] = value
    if score:
        found["accuracy"] = round(score[0], 4)
    if "units" in times[0]:
        found["units"] = pages.spread((x["units"] for x in times), 0)
        found["total_ms"] = round(sum(x["ms"] for x in times), 1)
        found["reached"] = sum(x["mse"] <= 0.001 for x in times)
    return found


def contests(lines):
    """{part: {contest: {side: figures}}}, in the order of the run."""
    groups = collections.defaultdict(
        lambda: collections.defaultdict(lambda: collections.defaultdict(list)))
    for line in lines:
        if line["what"] in ("time", "score"):
            groups[line["part"]][key(line)][line["side"]].append(line)
    return {part: {name: {side: of_side(of) for side, of in sides.items()
                          if any(x["what"] == "time" for x in of)}
                   for name, sides in found.items()}
            for part, found in groups.items()}


def same_losses(lines):
    """{contest: whether all of ours have lost the same in each round}"""
    told = collections.defaultdict(lambda: collections.defaultdict(set))
    for line in lines:
        if (line["what"] == "time" and line["part"] == "wasm"
                and "loss" in line and line["side"].startswith("midge")):
            told[key(line)][line["round"]].add(f"{line['loss']:.6g}")
    return {name: all(len(losses) == 1 for losses in rounds.values())
            for name, rounds in told.items()}


# ---- Targets ----------------------------------------------------------------

def target(group, what, wanted, value, reached, text):
    return {"group": group, "what": what, "target": wanted, "value": value,
            "reached": reached, "text": text}


def number(value):
    """Of three digits that count, or all before the point."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}"


def faster(group, contest, sides, least, ours="midge", theirs="torch",
           accurate=False):
    """How many times less than THEIRS our time is; ACCURATE: only if we are as
    accurate."""
    wanted = f"at least {least}x" + (", same accuracy" if accurate else "")
    mine, other = sides.get(ours), sides.get(theirs)
    if mine is None or other is None:
        return target(group, contest, wanted, None, False, "not measured")
    ratio = round(other["time"]["median"] / mine["time"]["median"], 3)
    text = (f"{ratio:.2f}x: {number(mine['time']['median'])} to "
            f"{number(other['time']['median'])} {mine['unit']}")
    reached = ratio >= least
    if accurate:
        same = SAME[contest.split()[2].strip(",")]
        reached = reached and mine["accuracy"] >= other["accuracy"] - same
        text += f", accuracy {mine['accuracy']:.3f} to {other['accuracy']:.3f}"
    return target(group, contest, wanted, ratio, reached, text)


# (group, part, contest begins with, least, ours, theirs, accurate)
WANTED = [
    ("one row, FANN", "one", "one sigmoid d", 4.5, "midge", "fann", False),
    ("one row, FANN's default", "one", "one stepwise d", 4.5, "midge", "fann",
     False),
    ("one small row, FANN", "one", "one sigmoid s", 3, "midge", "fann", False),
    ("one small row, FANN's default", "one", "one stepwise s", 3, "midge",
     "fann", False),
    ("one row, PyTorch", "one", "one relu d", 1.1, "midge", "torch", False),
    ("one small row, PyTorch", "one", "one relu s", 40, "midge", "torch",
     False),
    ("batch, PyTorch", "batch", "many relu", 0.9, "midge", "torch", False),
    ("batch with fused products, PyTorch", "batch", "many relu", 0.9,
     "midge-fast", "torch", False),
    ("batch in int8, PyTorch", "batch", "many relu", 1.5, "midge-int8",
     "torch", False),
    ("epoch of SGD, PyTorch", "epoch", "sgd", 2, "midge", "torch", True),
    ("epoch of SGD with momentum, PyTorch", "epoch", "momentum", 2, "midge",
     "torch", True),
    ("epoch of Adam, PyTorch", "epoch", "adam", 2, "midge", "torch", True),
    ("epoch of RPROP, FANN", "fann", "rprop", 12, "midge", "fann", False),
    ("epoch of batch, FANN", "fann", "batch", 12, "midge", "fann", False),
    ("wasm epoch, tfjs", "wasm", "sgd", 6, "midge-wasm", "tfjs-wasm", False),
    ("wasm epoch, tfjs", "wasm", "adam", 6, "midge-wasm", "tfjs-wasm", False),
    ("wasm epoch, brain.js", "wasm", "sgd relu digits", 20, "midge-wasm",
     "brain.js", False),
    ("wasm one row, onnxruntime", "wasm", "one", 2, "midge-wasm",
     "onnxruntime-web", False),
    ("wasm batch, onnxruntime", "wasm", "many", 3, "midge-wasm",
     "onnxruntime-web", False),
    *(("wasm, native 128-bit", "wasm", work, 0.7, "midge-wasm", "midge-v2",
       False) for work in ("sgd", "adam", "one", "many"))]


def cascade_target(sides):
    """By the time of all seeds together."""
    if not {"midge", "fann"} <= set(sides):
        return target("cascade, FANN", "cascade", "at least 5x", None, False,
                      "not measured")
    ratio = round(sides["fann"]["total_ms"] / sides["midge"]["total_ms"], 3)
    whole = [f"{number(of['total_ms'])} ms, "
             f"{of['reached']} of {of['time']['n']} reached, units "
             f"{of['units']['median']:.0f}"
             for of in (sides["midge"], sides["fann"])]
    same = sides["midge"]["reached"] >= sides["fann"]["reached"]
    return target("cascade, FANN", "two spirals to an MSE of 0.001",
                  "at least 5x, as many reached", ratio, ratio >= 5 and same,
                  f"{ratio:.2f}x: {whole[0]}, to {whole[1]}")


def against_best(contests_of_part, contest, theirs):
    """The sides of a contest, but THEIRS with one thread where that is faster:
    on a machine that does something else, threads that spin wait long."""
    sides = contests_of_part[contest]
    alone = contests_of_part.get(contest.split(",")[0], {}).get(theirs)
    if (alone is None or theirs not in sides
            or alone["time"]["median"] >= sides[theirs]["time"]["median"]):
        return sides
    return {**sides, theirs: alone}


def targets(found, modules):
    made = []
    for group, part, begin, *how in WANTED:
        least, ours, theirs, accurate = how
        of = found.get(part, {})
        made += [faster(group, contest, against_best(of, contest, theirs),
                        least, ours, theirs, accurate)
                 for contest in of if contest.startswith(begin)]
    made += [cascade_target(sides)
             for sides in found.get("cascade", {}).values()]
    made += [target("module", x["module"], "at most 60 KB", x["bytes"],
                    x["bytes"] <= 60 * 1024, f"{x['bytes']:,} bytes")
             for x in modules if x["module"] == "midge-nn-simd.wasm"]
    return made


# ---- What the machine can ---------------------------------------------------

def peaks(lines):
    """{level: {name: GFLOP/s or GB/s}}"""
    groups = collections.defaultdict(lambda: collections.defaultdict(list))
    for line in lines:
        if line["what"] == "peak":
            groups[line["level"]][line["name"]].append(
                (line["flops"] or line["bytes"]) / line["ns"])
    return {level: {name: pages.spread(values, 2)
                    for name, values in of.items()}
            for level, of in groups.items()}


def least(flops, bytes_ms):
    """(part, contest, what for, the least it can take) of all that is bound by
    products or by weights that are read anew: FLOPS in a ms without fused
    multiply-add (ours rounds twice), BYTES_MS from the second cache."""
    forward = 2 * WEIGHTS
    epoch = EPOCH_ROWS * (2 * forward + 2 * 1280) / flops
    for part in ("one", "wasm"):
        yield part, "one relu dense", "weights read", 4e3 * WEIGHTS / bytes_ms
    for part in ("batch", "wasm"):
        yield part, "many relu dense", "products", MANY * forward / flops
    # Each step reads a weight and its slope and writes the weight; momentum
    # reads and writes one number more, Adam two.
    for work, numbers in (("sgd", 3), ("momentum", 5), ("adam", 7)):
        moved = EPOCH_ROWS / BATCH * 4 * numbers * WEIGHTS / bytes_ms
        for name in ("digits", "dense"):
            for part in ("epoch", "wasm"):
                yield (part, f"{work} relu {name}",
                       "products, weights read and written", epoch + moved)
    for work in ("rprop", "batch"):
        for name in ("digits", "dense"):
            yield "fann", f"{work} sigmoid {name}", "products", epoch


def floors(found, can):
    """How near to the machine ours comes: with its widest vectors, and in wasm
    with those as wide."""
    made = []
    for ours, level in (("midge", next(iter(can), None)), ("midge-wasm", "v2")):
        of = can.get(level, {})
        if not {"peak mul+add", "read 392 KiB"} <= set(of):
            continue
        for part, contest, why, floor in least(
                of["peak mul+add"]["median"] * 1e6,
                of["read 392 KiB"]["median"] * 1e6):
            mine = found.get(part, {}).get(contest, {}).get(ours)
            if mine is not None and (part == "wasm") == (ours != "midge"):
                took = mine["time"]["median"]
                made.append({"what": contest, "side": ours, "why": why,
                             "unit": mine["unit"], "floor": round(floor, 4),
                             "took": took, "share": round(floor / took, 3)})
    return made


def all_of(lines):
    found, can = contests(lines), peaks(lines)
    modules = [{key: x[key] for key in ("owner", "module", "bytes")}
               for x in lines if x["what"] == "module"]
    return {"targets": targets(found, modules), "contests": found,
            "same_losses": same_losses(lines),
            "peaks": can, "floors": floors(found, can), "modules": modules,
            "absent": [x for x in lines if x["what"] == "absent"]}
