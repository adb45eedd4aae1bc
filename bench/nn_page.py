"""nn_page.py: the page of run_nn.py."""
import nn_results as results
import parts
import report as pages

TITLES = {"one": "Rows one by one", "batch": "1,024 rows in a call",
          "epoch": "Epochs of mini-batches",
          "fann": "Epochs of all rows", "small": "Small networks of FANN's",
          "cascade": "Cascades", "wasm": "In Node"}
NOTES = {
    "one": ["`sigmoid` is FANN's exact one, `stepwise` what FANN takes by "
            "default; `relu` is", "ReLU, then softmax. All run the same weights "
            "and find the same classes."],
    "epoch": ["The loss is that of the last epoch, the accuracy that of the "
              "network after all of", "them on 1,000 rows that it has not "
              "seen: from the same weights, as many epochs on", "both "
              "sides, one more than there are rounds. Targets for two threads "
              "are against", "PyTorch with one where that is faster."],
    "fann": ["From the same weights, with FANN's own tanh error: the mean "
             "squared errors are", "after the same number of epochs."],
    "small": ["`xor` is 2-3-1 for 1,000 epochs from the start, `small` "
              "16-32-4 with 1,000 rows for", "100, again and again; the mean "
              "squared error is that at the end."],
    "cascade": ["The 194 points of the two spirals, FANN's defaults, tanh "
                "output, to a mean squared", "error of 0.001, one network for "
                "each seed."],
    "wasm": ["`midge` is our own native build, `midge-v2` the same held to the "
             "width of", "WebAssembly's vectors. tfjs-cpu and brain.js train a "
             "20th of the rows; the time is", "that of an epoch at this speed. "
             "brain.js takes row by row and has sigmoids.", "tfjs has no epoch "
             "before the first round."]}


def side_cell(of, best):
    text = pages.cell(of["time"], ",.4g" if of["time"]["median"] < 1000
                      else ",.0f")
    about = [f"{what} {of[what]:.4g}" for what in ("loss", "mse")
             if what in of]
    if "accuracy" in of:
        about.append(f"accuracy {of['accuracy']:.3f}")
    if "units" in of:
        about.append(f"{pages.cell(of['units'])} units, "
                     f"{of['reached']} of {of['time']['n']} reached")
    marked = f"**{text}**" if best else text
    return marked + (f"; {', '.join(about)}" if about else "")


def contest_tables(found):
    """One table for all contests of a part that have the same sides."""
    groups = {}
    for name, sides in found.items():
        groups.setdefault(tuple(sides), []).append((name, sides))
    made = []
    for names, rows in groups.items():
        cells = []
        for name, sides in rows:
            least = min(of["time"]["median"] for of in sides.values())
            one = next(iter(sides.values()))
            cells.append([f"{name}: {one['unit']}",
                          *(side_cell(sides[side], sides[side]["time"]["median"]
                                      == least) for side in names)])
        made.append(pages.table(["contest", *names], *cells))
    return made


def target_table(result):
    return pages.table(
        ["what", "contest", "target", "measured", "reached"],
        *([t["group"], t["what"], t["target"], t["text"],
           "yes" if t["reached"] else "no"] for t in result["targets"]))


def machine_parts(result):
    made = []
    if result["peaks"]:
        names = list(dict.fromkeys(name for of in result["peaks"].values()
                                   for name in of))
        made += [["## What the machine can"], pages.table(
            ["one core, GFLOP/s or GB/s", *result["peaks"]],
            *([name, *(pages.cell(of[name], ",.1f") if name in of else ""
                       for of in result["peaks"].values())]
              for name in names))]
    if result["floors"]:
        made += [pages.table(
            ["contest", "side", "at least, for", "at least", "took", "share"],
            *([x["what"], x["side"], x["why"],
               f"{results.number(x['floor'])} {x['unit']}",
               results.number(x["took"]), f"{x['share']:.0%}"]
              for x in result["floors"])),
            ["Products are counted as if no input were zero: those of the "
             "digits are skipped, so", "that a share may be above 100 %. "
             "Multiplications and additions are counted", "apart, as ours are "
             "rounded apart (the same bits everywhere); what has fused ones",
             "may do with half of that. v2 has vectors as wide as those of "
             "wasm."]]
    if result["modules"]:
        made += [["## Modules"], pages.table(
            ["module", "of", "bytes"],
            *([x["module"], x["owner"], f"{x['bytes']:,}"]
              for x in result["modules"]))]
    return made


def absent_lines(result):
    if not result["absent"]:
        return []
    return ["Not measured, and why:", "",
            *(f"- {x['side']} {x.get('work', '')} {x.get('net', '')} "
              f"{x.get('set', '')}: {x['why']}" for x in result["absent"])]


def about_lines(data):
    about = data["about"]
    versions = ", ".join(f"{peer} {version}" for peer, version
                         in sorted(about["versions"].items()))
    lines = [*pages.origin_lines(data, "one used, but where it says 2 threads"),
             *parts.again_lines(about), f"- {versions}",
             "- median (least to most) of the rounds; sides of a contest take "
             "turns; the best in bold",
             "- digits: 60,000 rows of 9,000 scanned digits, four of five "
             "inputs zero (Midge skips exact zeros); dense: as many drawn "
             "without a zero",
             f"- FANN's caller compiled with `gcc {' '.join(about['flags'])}`, "
             "its library as Debian has it; PyTorch's networks are frozen and "
             "optimised for inference, its optimizers in their faster form"]
    if about["quick"]:
        lines.append("- a quick trial: not for comparing")
    return lines


def report(origin, lines):
    about = next(x for x in lines if x["what"] == "about")
    result = results.all_of(lines)
    data = {**origin, "about": about, "results": result,
            "measurements": [x for x in lines if x["what"] != "about"]}
    body = []
    for part, found in result["contests"].items():
        body += [[f"## {TITLES[part]}"], *contest_tables(found)]
        body += [NOTES[part]] if part in NOTES else []
    same = result["same_losses"]
    if same:
        body.append(["Ours of one contest have the same losses: "
                     + ", ".join(f"{name} {'yes' if yes else 'no'}"
                                 for name, yes in same.items()) + "."])
    return (data, "Networks",
            ["Made by `./run bench nn`; every measurement is in `nn.json`."],
            about_lines(data), *([target_table(result)] if result["targets"]
                                 else []),
            *body, *machine_parts(result),
            *([absent_lines(result)] if result["absent"] else []))
