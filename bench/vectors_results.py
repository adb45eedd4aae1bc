"""vectors_results.py: from the lines that run_vectors.py measured to figures:
curves, what they are at a recall, builds, bytes, and the targets."""
import collections
import math

import report as pages

LEVELS = ["0.95", "0.99"]
QUERIES = {"digits": 1000, "words": 2000, "clusters": 1000}
DIMENSIONS = {"digits": 784, "words": 100, "clusters": 128}
NEAR = 0.003  # a recall curve is another's when it is this near, or above
# What is stored is f32, of peers what is walked by, too.
F32 = {"plain", "padded", "f32", "HNSW%_Flat"}
NATIVE = {"hnswlib", "faiss", "usearch"}
WASM = {"hnswlib-wasm", "edgevec", "voy-search"}


def label(line):
    mode = line["mode"].replace("HNSW%_", "HNSW ")
    if ":" in mode:  # another width of the search is no other side
        mode = mode.split(":")[0]
    graph = f" M={line['m']} efC={line['efc']}" if line["m"] else ""
    return f"{line['peer']} {mode}{graph}"


def where(line):
    return f"{line['set']} {line['rows']:,}"


def group(lines, key):
    found = collections.defaultdict(list)
    for line in lines:
        found[key(line)].append(line)
    return found


# ---- Curves -----------------------------------------------------------------

def points(lines):
    """[{ef, recall, qps: spread}] from the searches of one side on one set; EF
    is the width that a mode was built with when it has one."""
    def width(line):
        return int(line["mode"].split(":")[1]) if ":" in line["mode"] else (
            line["ef"])

    found = []
    for ef, same in sorted(group(lines, width).items()):
        n = QUERIES[same[0]["set"]]
        found.append({"ef": ef, "recall": same[0]["recall"],
                      "qps": pages.spread(n / x["seconds"] for x in same)})
    return found


def frontier(curve):
    """[(recall, queries/s)] of the points that no other point beats in both,
    the least recall first."""
    best, kept = 0, []
    for recall, qps in sorted(((p["recall"], p["qps"]["median"])
                               for p in curve), reverse=True):
        if qps > best:
            best = qps
            kept.append((recall, qps))
    return kept[::-1]


def at_recall(curve, level):
    """Queries/s at a recall: between two points log(queries/s) is a line over
    recall. Left of the first point it is that point's; None when the level is
    not reached."""
    line = frontier(curve)
    above = [i for i, (recall, _) in enumerate(line) if recall >= level]
    if not above:
        return None
    i = above[0]
    if i == 0:
        return round(line[0][1], 1)
    (r0, q0), (r1, q1) = line[i - 1], line[i]
    share = (level - r0) / (r1 - r0)
    return round(math.exp(math.log(q0) + share * (math.log(q1)
                                                  - math.log(q0))), 1)


def curves(lines, of):
    """{set: {side: {peer, mode, points, at}}}"""
    found = {}
    searches = [x for x in lines if x["what"] == "search" and x["of"] == of]
    for name, there in group(searches, where).items():
        found[name] = {}
        for side, mine in group(there, label).items():
            curve = points(mine)
            found[name][side] = {
                "peer": mine[0]["peer"], "mode": mine[0]["mode"],
                "points": curve,
                "at": {level: at_recall(curve, float(level))
                       for level in LEVELS}}
    return found


def best_at(sides, level, wanted):
    """(queries/s, side) of the fastest side that is WANTED, or None."""
    there = [(side["at"][level], name) for name, side in sides.items()
             if wanted(side) and side["at"][level] is not None]
    return max(there, default=None)


def compare_best(sides, level, ours, theirs):
    mine, best = best_at(sides, level, ours), best_at(sides, level, theirs)
    if mine is None or best is None:
        return None
    return {"ours": mine[1], "ours_qps": mine[0], "peer": best[1],
            "peer_qps": best[0], "ratio": round(mine[0] / best[0], 3)}


# ---- Builds, bytes, files ---------------------------------------------------

def builds(lines):
    """{side: {seconds by threads, points}} of the builds that were measured."""
    found = {}
    mine = [x for x in lines if x.get("of") == "build"]
    for side, there in group(mine, label).items():
        seconds = {str(x["threads"]): round(x["ms"] / 1e3, 2)
                   for x in there if x["what"] == "build"}
        curve = points([x for x in there if x["what"] == "search"])
        found[side] = {"peer": there[0]["peer"], "seconds": seconds,
                       "points": curve,
                       "at": {level: at_recall(curve, float(level))
                              for level in LEVELS}}
    return found


def same_recall(ours, theirs):
    """Whether the recall at each ef that both have is theirs at least."""
    mine = {p["ef"]: p["recall"] for p in ours["points"]}
    both = [(mine[p["ef"]], p["recall"]) for p in theirs["points"]
            if p["ef"] in mine]
    return bool(both) and all(own >= other - NEAR for own, other in both)


def same_speed(ours, theirs):
    """Whether queries/s at each level are theirs at least."""
    return all((ours["at"][level] or 0) >= (theirs["at"][level] or 0)
               for level in LEVELS)


def compare_builds(found, as_good):
    """{peer's side: {threads: {ours, ratio}}} against the fastest of our builds
    that is as good."""
    ratios = {}
    for name, peer in found.items():
        if peer["peer"] == "midge":
            continue
        ratios[name] = {}
        for threads, seconds in peer["seconds"].items():
            mine = [(own["seconds"][threads], side)
                    for side, own in found.items() if own["peer"] == "midge"
                    and threads in own["seconds"] and as_good(own, peer)]
            if mine:
                ratios[name][threads] = {
                    "ours": min(mine)[1],
                    "ratio": round(min(mine)[0] / seconds, 3)}
    return ratios


def grown(lines):
    """{set: {side: bytes a vector}} by the growth of the process."""
    found = collections.defaultdict(dict)
    for line in lines:
        if line["what"] == "build" and line.get("of") != "wasm":
            found[where(line)].setdefault(
                label(line), round(line["grown_bytes"] / line["rows"], 1))
    return dict(found)


def exact(lines):
    found = collections.defaultdict(dict)
    mine = [x for x in lines if x.get("of") == "exact"]
    for (name, side), same in group(
            mine, lambda x: (where(x), x["peer"])).items():
        n = QUERIES[same[0]["set"]]
        found[name][side] = {
            "qps": pages.spread(n / x["seconds"] for x in same),
            "recall": same[0]["recall"]}
    return dict(found)


def opened(lines):
    mine = [x for x in lines if x["what"] == "open"]
    return {side: {"first_answer_ms": pages.spread(
        (x["first_answer_ms"] for x in same), 2)}
        for side, same in group(mine, label).items()}


def singles(lines):
    """{set: {side: queries/s with one call for each query, and with one for all,
    the best of a few}}"""
    found = collections.defaultdict(dict)
    mine = [x for x in lines if x.get("of") == "asked"]
    for (name, side), same in group(
            mine, lambda x: (where(x), label(x))).items():
        n = QUERIES[same[0]["set"]]
        found[name][side] = {"ef": same[0]["ef"], **{
            word: round(n / min(x["seconds"] for x in same
                                if x["batch"] == batch), 1)
            for batch, word in ((0, "single"), (1, "batch"))}}
    return dict(found)


def growth(found):
    """{side: {rows: queries/s at the first level}} of the clusters."""
    grows = collections.defaultdict(dict)
    for name, sides in found.items():
        if name.startswith("clusters"):
            for side, curve in sides.items():
                if curve["at"]["0.95"] is not None:
                    grows[side][name.split()[1]] = curve["at"]["0.95"]
    return dict(grows)


# ---- Targets ----------------------------------------------------------------

def target(what, wanted, value, reached, text=None):
    """VALUE None: not measured, with the reason as text."""
    return {"what": what, "target": wanted, "value": value,
            "reached": reached if value is not None else None,
            "text": text or "not measured"}


def speed_targets(found):
    made = []
    f32 = {"0.95": 1.5, "0.99": 1.5}
    kinds = (("f32 as it is by default, walked by 8 bits", f32,
              {"f32_int8"}, F32),
             ("f32, walked by f32", f32, {"f32_rows"}, F32),
             ("best mode", {"0.95": 2.0, "0.99": 1.7}, None, None))
    for name, sides in found.items():
        for kind, ratios, ours, theirs in kinds:
            for level, least in ratios.items():
                ratio = compare_best(
                    sides, level,
                    lambda s: s["peer"] == "midge" and (
                        ours is None or s["mode"] in ours),
                    lambda s: s["peer"] in NATIVE and (
                        theirs is None or s["mode"] in theirs))
                text = ratio and (
                    f"{ratio['ratio']:.2f}x: {ratio['ours_qps']:,.0f}/s "
                    f"({ratio['ours']}) to {ratio['peer_qps']:,.0f}/s "
                    f"({ratio['peer']})")
                value = ratio and ratio["ratio"]
                made.append(target(
                    f"queries/s at recall {level}, {kind}, {name}",
                    f"at least {least}x", value,
                    value is not None and value >= least, text))
    return made


def build_targets(built):
    """Against the peer for which it is worst."""
    made = []
    for what, as_good in (("recall at the same ef", same_recall),
                          ("queries/s at 0.95 and 0.99", same_speed)):
        ratios = compare_builds(built, as_good)
        for threads in ("1", "2"):
            all_there = ratios and all(threads in of for of in ratios.values())
            worst = max(((of[threads]["ratio"], name, of[threads]["ours"])
                         for name, of in ratios.items() if threads in of),
                        default=None) if all_there else None
            made.append(target(
                f"build to the same {what}, threads: {threads}",
                "at most 0.7x", worst and worst[0],
                worst is not None and worst[0] <= 0.7,
                f"{worst[0]:.2f}x ({worst[2]} to {worst[1]})" if worst else
                built and "none of our builds has it against each peer"))
    return made


def bytes_targets(found):
    made = []
    for name, sides in found.items():
        small = [v for side, v in sides.items()
                 if side.startswith("midge int8_rows")]
        large = [v for side, v in sides.items()
                 if side.startswith("hnswlib") and "M=16" in side]
        if small and large:
            ratio = round(small[0] / min(large), 3)
            made.append(target(
                f"bytes of a vector in int8, {name}", "at most 0.4x hnswlib's",
                ratio, ratio <= 0.4,
                f"{ratio:.2f}x: {small[0]:,.0f} to {min(large):,.0f}"))
    return made


def other_targets(result):
    made = []
    for name, sides in result["exact"].items():
        if {"midge", "faiss"} <= set(sides):
            mine, flat = (sides[peer]["qps"]["median"]
                          for peer in ("midge", "faiss"))
            ratio = round(mine / flat, 3)
            made.append(target(
                f"exact search of a batch, {name}", "at least 1x faiss Flat",
                ratio, ratio >= 1,
                f"{ratio:.2f}x: {mine:,.0f}/s to {flat:,.0f}/s"))
    for side, of in result["open"].items():
        if side.startswith("midge"):
            ms = of["first_answer_ms"]["median"]
            made.append(target(
                "open the words to the first answer, pages in memory",
                "under 10 ms", ms, ms < 10, f"{ms:.2f} ms"))
    for name, sides in result["wasm"].items():
        made += wasm_targets(name, sides)
    return made


def wasm_targets(name, sides):
    """Against native in the mode of our fastest in wasm."""
    made = []
    best = best_at(sides, "0.95", lambda s: s["peer"] == "midge-wasm")
    mode = best and sides[best[1]]["mode"]
    for what, least, theirs in (
            ("the best wasm peer", 3, lambda s: s["peer"] in WASM),
            ("our own native build", 0.75,
             lambda s: s["peer"] == "midge" and s["mode"] == mode),
            ("our own native code of the same width (SSE)", 0.75,
             lambda s: s["peer"] == "midge-v2" and s["mode"] == mode)):
        ratio = compare_best(sides, "0.95",
                             lambda s: s["peer"] == "midge-wasm", theirs)
        value = ratio and ratio["ratio"]
        made.append(target(
            f"wasm in Node, recall 0.95, against {what}, {name}",
            f"at least {least}x", value, value is not None and value >= least,
            ratio and f"{value:.2f}x: {ratio['ours_qps']:,.0f}/s "
                      f"({ratio['ours']}) to {ratio['peer_qps']:,.0f}/s "
                      f"({ratio['peer']})"))
    return made


def module_targets(lines):
    return [target(f"{x['module']}.wasm", f"at most {most} KB", x["bytes"],
                   x["bytes"] <= most * 1024, f"{x['bytes']:,} bytes")
            for x in lines if x["what"] == "module"
            for name, most in (("midge-index-simd", 40),
                               ("midge-hnsw-micro", 12))
            if x["module"] == name]


def growth_targets(grows):
    made = []
    for side, of in grows.items():
        if side.startswith("midge f32_int8") and len(of) > 1:
            sizes = sorted(of, key=lambda x: int(x.replace(",", "")))
            ratio = round(of[sizes[0]] / of[sizes[-1]], 2)
            made.append({**target(
                "cost of a query at recall 0.95, clusters",
                "grows like log n", ratio, None,
                f"{ratio:.2f}x from {sizes[0]} to {sizes[-1]}"),
                "reached": None})
    return made


def all_of(lines):
    found = curves(lines, "curve")
    built = builds(lines)
    result = {"curves": found, "builds": built,
              "bytes_per_vector": grown(lines), "exact": exact(lines),
              "open": opened(lines), "singles": singles(lines),
              "growth": growth(found),
              "wasm": curves(lines, "wasm"),
              "absent": [x for x in lines if x["what"] == "absent"]}
    result["targets"] = (speed_targets(found)
                         + build_targets(built)
                         + bytes_targets(result["bytes_per_vector"])
                         + other_targets(result)
                         + growth_targets(result["growth"])
                         + module_targets(lines))
    return result
