"""vectors_page.py: the page and plots of run_vectors.py: results/vectors.md,
the curves in docs/guide, and the tables between the marks of its vectors.md."""
import pathlib
import re

import parts as some
import report as pages
import vectors_plot
import vectors_results as results

BEGIN = "<!-- figures: ./run bench vectors writes from here ... -->"
END = "<!-- ... to here -->"
NAMES = {"digits": "9,000 digits x 784, L2",
         "words": "word vectors x 100, cosine",
         "clusters": "clusters x 128, L2"}


def number(value, form=",.0f"):
    return "-" if value is None else f"{value:{form}}"


def title(name):
    kind, rows = name.split()
    return NAMES[kind] if kind == "digits" else f"{rows} {NAMES[kind]}"


# ---- Tables -----------------------------------------------------------------

def target_table(result):
    yes = {True: "yes", False: "no", None: "-"}
    return pages.table(["what", "target", "measured", "reached"],
                       *([t["what"], t["target"], t["text"], yes[t["reached"]]]
                         for t in result["targets"]))


def by_speed(sides):
    return sorted(sides.items(), key=lambda item: -(item[1]["at"]["0.95"] or 0))


def curve_table(result, name, sides):
    held = result["bytes_per_vector"].get(name, {})
    return pages.table(
        ["side", "queries/s at 0.95", "at 0.99", "most recall",
         "bytes a vector"],
        *([side, number(of["at"]["0.95"]), number(of["at"]["0.99"]),
           f"{max(p['recall'] for p in of['points']):.4f}",
           number(held.get(side))] for side, of in by_speed(sides)))


def build_table(result):
    rows = []
    for side, of in result["builds"].items():
        recall = {p["ef"]: p["recall"] for p in of["points"]}
        rows.append([side, *(number(of["seconds"].get(threads), ".1f")
                             for threads in ("1", "2")),
                     *(number(recall.get(ef), ".4f") for ef in (80, 200, 400)),
                     number(of["at"]["0.95"]), number(of["at"]["0.99"])])
    return pages.table(
        ["build of the words", "s, 1 thread", "s, 2 threads",
         "recall at ef 80", "at 200", "at 400", "queries/s at 0.95", "at 0.99"],
        *rows)


def small_tables(result):
    parts = []
    if result["exact"]:
        parts.append(pages.table(
            ["exact, all queries in one call, one thread", "queries/s",
             "recall"],
            *([f"{name}: {side}", pages.cell(of["qps"]),
               f"{of['recall']:.4f}"]
              for name, sides in result["exact"].items()
              for side, of in sides.items())))
    if result["singles"]:
        parts.append(pages.table(
            ["one call for each query, or one for all", "ef",
             "queries/s, each", "all"],
            *([f"{name}: {side}", of["ef"], number(of["single"]),
               number(of["batch"])]
              for name, sides in result["singles"].items()
              for side, of in sides.items())))
    if result["open"]:
        parts.append(pages.table(
            ["opening a file of the words", "ms to the first answer"],
            *([side, pages.cell(of["first_answer_ms"], ",.2f")]
              for side, of in result["open"].items())))
    if result["growth"]:
        sizes = sorted({rows for of in result["growth"].values()
                        for rows in of}, key=lambda x: int(x.replace(",", "")))
        parts.append(pages.table(
            ["queries/s at recall 0.95 of the clusters", *sizes],
            *([side, *(number(of.get(rows)) for rows in sizes)]
              for side, of in result["growth"].items())))
    return parts


def absent_lines(result):
    if not result["absent"]:
        return []
    return ["Not measured, and why:", "",
            *(f"- {x['peer']} {x['mode']}: {x['why']}"
              for x in result["absent"])]


def figures(data):
    """All tables, as lists of lines."""
    result = data["results"]
    parts = [target_table(result)]
    for name, sides in result["curves"].items():
        parts += [[f"## {title(name)}"], curve_table(result, name, sides)]
    if result["builds"]:
        parts += [["## Builds"], build_table(result)]
    small = small_tables(result)
    if small:
        parts += [["## Exact search, files, growth"], *small]
    for name, sides in result["wasm"].items():
        parts += [[f"## In Node, {title(name)}"],
                  curve_table(result, name, sides),
                  ["`midge` is our own native build, `midge-v2` the same held "
                   "to the width of",
                   "WebAssembly's vectors; `hnswlib-node` and `ruvector` are "
                   "native too. The others",
                   "are WebAssembly. hnswlib-wasm is made for browsers and was "
                   "given a `window`."]]
    parts.append(absent_lines(result))
    return [part for part in parts if part]


def about_lines(data):
    about = data["about"]
    versions = ", ".join(f"{peer} {version}" for peer, version
                         in sorted(about["versions"].items()))
    lines = [*pages.origin_lines(data, "one used, but where two threads build"),
             *some.again_lines(about),
             f"- {versions}",
             f"- hnswlib and faiss compiled with `g++ "
             f"{' '.join(about['flags'])}`; Debian's faiss library itself is "
             "compiled for any x86-64",
             "- hnswlib (padded) gets rows padded with zeros to a multiple of "
             "16, for its AVX-512; the others are asked as they are faster: all "
             "queries in one call or one by one, on one thread",
             "- k = 10; recall is the share of the true ids; queries/s between "
             "two widths of the search are interpolated as log(queries/s) over "
             "recall",
             "- bytes a vector: by how much the process grew when it built, "
             "without the data that it was given"]
    if about["quick"]:
        lines.append("- a quick trial on small sets: not for comparing")
    return lines


def report(origin, lines):
    about = next(x for x in lines if x["what"] == "about")
    data = {**origin, "about": about, "results": results.all_of(lines),
            "measurements": [x for x in lines if x["what"] != "about"]}
    return (data, "Vector search",
            ["Made by `./run bench vectors`; every measurement is in "
             "`vectors.json`."],
            about_lines(data), *figures(data))


# ---- The guide --------------------------------------------------------------

def series_of(sides):
    """The best setting of each mode of a peer, the fastest first."""
    best = {}
    for name, side in by_speed(sides):
        key = (side["peer"], side["mode"])
        curve = results.frontier(side["points"])
        if key not in best and curve[-1][0] >= 0.8:
            short = name.split(" M=")[0]
            best[key] = (short, curve, side["peer"].startswith("midge"))
    return list(best.values())


def growth_series(result):
    return [(side.split(" M=")[0], [(int(rows.replace(",", "")), 1e6 / qps)
                    for rows, qps in of.items()], side.startswith("midge"))
            for side, of in result["growth"].items() if len(of) > 1]


def plots(data):
    """{name of the file: (what it shows, SVG)}"""
    result, made = data["results"], {}
    largest = {}
    for name in result["curves"]:  # of the prefixes of a set the longest
        largest[name.split()[0]] = name
    for kind, name in largest.items():
        made[f"vectors_{kind}.svg"] = (title(name), vectors_plot.recall_plot(
            title(name), series_of(result["curves"][name])))
    for name, sides in result["wasm"].items():
        made["vectors_wasm.svg"] = (f"in Node, {title(name)}",
                                    vectors_plot.recall_plot(
            f"In Node, {title(name)}", series_of(sides)))
    grows = growth_series(result)
    if grows:
        made["vectors_growth.svg"] = (
            "the cost of a query from 100,000 to 1,000,000 vectors",
            vectors_plot.growth_plot(grows))
    return made


def publish(data, folder):
    """Plots into FOLDER, and the part between the marks of its vectors.md."""
    folder = pathlib.Path(folder)
    made = plots(data)
    for name, (_, svg) in made.items():
        (folder / name).write_text(svg)
    parts = [["Made by `./run bench vectors`; nothing here was typed in."],
             about_lines(data),
             *([f"![{shows}]({name})"] for name, (shows, _) in made.items()),
             *figures(data)]
    inner = "\n".join(re.sub("^## ", "### ", line)
                      for part in parts for line in [*part, ""])
    page = folder / "vectors.md"
    if folder.name == "guide":
        text = page.read_text() if page.exists() else (
            f"# Vector search\n\n{BEGIN}\n{END}\n")
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        page.write_text(f"{before}{BEGIN}\n\n{inner}\n{END}{after}")
