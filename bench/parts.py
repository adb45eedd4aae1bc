"""parts.py: what benchmarks of many parts share: a run may measure some of them
only, and "again" puts those into the stored run. Each part is one of WORDS; the
lines that it measures say which."""
import json

import harness

NO_PARTS = {"quick", "again"}  # words


def stored(name):
    path = harness.RESULTS / f"{name}.json"
    if not path.exists():
        raise harness.Failed(f"{path} is not there: run all parts first")
    return json.loads(path.read_text())


def begin(run, name, words):
    """Sets run.parts, those to be measured, run.quick, and run.old: the stored
    run of NAME that they go into, or None."""
    every = set(words) - NO_PARTS
    run.quick = "quick" in run.chosen
    run.parts = run.chosen - NO_PARTS or every
    run.old = stored(name) if "again" in run.chosen else None
    if run.old is not None and (run.quick or run.parts >= every):
        raise harness.Failed("'again' takes some of the parts, in full")


def measure(run, name, functions, faults, absent):
    """Calls {part: function} of run.parts. Of a part that fails with one of
    FAULTS the reason is noted by absent(part, why)."""
    for part, measure_part in functions.items():
        if part in run.parts:
            harness.say(f"{name}: {part} ...")
            done = len(run.lines)
            try:
                measure_part()
            except faults as why:
                if run.old is not None:  # what is stored is better than nothing
                    raise
                absent(part, why)
            for line in run.lines[done:]:
                line["part"] = part


def end(run, about):
    """The last line says what the run was. Makes of a run that was asked for
    "again" the stored one, with its own parts in place of those; the page says
    which, and where they come from."""
    about = {"what": "about", "parts": sorted(run.parts), "quick": run.quick,
             **about, "again": []}
    if run.old is not None:
        old = run.old["about"]
        old["again"] = [x for x in old["again"]
                        if not set(x["parts"]) <= run.parts]
        old["again"].append({"parts": sorted(run.parts),
                             "commit": run.origin["commit"],
                             "date": run.origin["date"]})
        old["versions"].update(about["versions"])
        run.lines = [x for x in run.old["measurements"]
                     if x["part"] not in run.parts] + run.lines
        run.origin = {key: run.old[key] for key in run.origin}
        about = old
    run.lines.append(about)


def again_lines(about):
    return [f"- measured again: {', '.join(x['parts'])}, at commit "
            f"{x['commit']}; {x['date']}" for x in about["again"]]
