"""kernels_page.py: the page of run_kernels.py."""
import report as pages

OWN = ["scalar", "v2", "avx2", "avx512", "avx512icl", "wasm scalar",
       "wasm simd", "wasm relaxed"]
MACHINE = ["peak mul+add", "peak fma", "read 16 KiB", "read 392 KiB",
           "read 64 MiB", "triad 3x64 MiB"]


def spread_cell(figures):
    """The median, and how far the rounds are around it."""
    if figures is None:
        return ""
    ns = figures["ns"]
    width = (ns["most"] - ns["least"]) / 2 / ns["median"]
    return f"{ns['median']:,.0f} ±{width:.0%}"


def rate_cell(figures):
    if figures is None:
        return ""
    for unit in ("gflops", "gitems", "gbytes"):
        if unit in figures:
            return f"{figures[unit]:.3g}"
    return ""


def share_cell(figures, key):
    return f"{figures[key]:.0%}" if figures and key in figures else ""


def faster(figures, than, side):
    """How much faster than another side."""
    if not figures or side not in than:
        return ""
    return f"{than[side]['ns']['median'] / figures['ns']['median']:.2f}"


def machine_rows(works, sides):
    for name in MACHINE:
        unit = "gflops" if name.startswith("peak") else "gbytes"
        yield [name, "GFLOP/s" if unit == "gflops" else "GB/s", *(
            f"{works[name][side][unit]:.4g}" if side in works[name] else ""
            for side in sides)]


def parity(name, work):
    mine = {side: of["same_bits"] for side, of in work.items() if side in OWN}
    if all(mine.values()):
        return "equal"
    return "may differ" if "_fast" in name else "DIFFERS: " + ", ".join(
        side for side, same in mine.items() if not same)


def ratio_rows(works, names):
    for name in names:
        work = works[name]
        native = [side for side in OWN[1:5] if side in work]
        best = native[-1] if native else "scalar"
        of = work[best]
        yield [name, *(faster(work.get(side), work, "scalar")
                       for side in OWN[1:5]),
               faster(work.get("wasm simd"), work, "wasm scalar"),
               faster(work.get("wasm simd"), work, "v2"),
               share_cell(of, "of_peak"), share_cell(of, "of_memory"),
               share_cell(work.get("wasm simd"), "of_peak"),
               share_cell(work.get("wasm simd"), "of_memory")]


def peer_rows(works, names):
    for name in names:
        for side, of in works[name].items():
            if side not in OWN:
                isa = side.split("-")[-1]
                mine = (works[name].get("avx512icl") if isa == "avx512" else
                        None) or works[name].get(isa)
                yield [name, side, spread_cell(of), spread_cell(mine),
                       faster(mine, works[name], side),
                       share_cell(of, "of_peak"), rate_cell(of)]


def target_rows(targets):
    for t in targets:
        yield [t["what"], t["work"], f"{t['than']}, {t['than_side']}",
               f"{t['target']:.2f}", pages.cell(t["ratio"], ".2f"),
               "yes" if t["met"] else "no"]


def make(result, works, targets, lines):
    sides = [side for side in OWN if side in result["sides"]]
    names = [name for name in works if name not in MACHINE]
    met = sum(t["met"] for t in targets)
    others = "; ".join(f"{side} runs {about}"
                       for side, about in result["sides"].items()
                       if side.startswith(("openblas", "wasm simd")))
    return (
        result, "Kernels, one thread",
        ["Made by `./run bench kernels`; every measurement is in "
         "`kernels.json`."],
        [*pages.origin_lines(result, "one used"),
         f"- median of {len(lines[0]['ns'])} rounds, all sides taking turns; "
         "time of the CPU; ± is half of what lies",
         "  between the least and the most", f"- {others}",
         *([f"- not measured: {', '.join(result['unmeasured'])}"]
           if result["unmeasured"] else [])],
        [f"## Targets: {met} of {len(targets)} reached", "",
         "How many times faster than what it is compared with (least to most of "
         "the rounds).", "",
         *pages.table(["what", "work", "compared with", "at least", "measured",
                       "reached"], *target_rows(targets))],
        ["## The machine", "",
         "Twelve independent chains of multiply and add, or of fused "
         "multiply-add; reading", "adds up what it reads.", "",
         *pages.table(["what", "unit", *sides], *machine_rows(works, sides))],
        ["## ns of a call", "",
         "`bits`: whether all columns gave the same bits; operations named fast "
         "need not.", "",
         *pages.table(["work", *sides, "bits"],
                      *([name, *(spread_cell(works[name].get(side))
                                 for side in sides), parity(name, works[name])]
                        for name in names))],
        ["## Rates", "",
         "GFLOP/s; where no operations are counted 10^9 elements a second. "
         "GB/s are in", "`kernels.json`, as is all else.", "",
         *pages.table(["work", *sides],
                      *([name, *(rate_cell(works[name].get(side))
                                 for side in sides)] for name in names))],
        ["## How much faster, and of what the machine can", "",
         "The last four columns: of the arithmetic peak (multiply and add, not "
         "fused) and", "of the bandwidth of memory with the same instructions, "
         "for the widest native", "variant and for wasm SIMD. What stays in the "
         "cache passes the latter.", "",
         *pages.table(["work", *(f"{side} / scalar" for side in OWN[1:5]),
                       "wasm simd / wasm scalar", "wasm simd / v2",
                       "native of peak", "of memory", "wasm of peak",
                       "of memory"], *ratio_rows(works, names))],
        ["## Peers", "",
         "`peer`: kernels_peer.c, fused multiply-add and four accumulators of "
         "full width;", "other bits than ours. Its peak is that of fused "
         "multiply-add.", "",
         *pages.table(["work", "peer", "its ns", "ours, ns", "ours is faster",
                       "peer of peak", "its GFLOP/s"],
                      *peer_rows(works, names))])
