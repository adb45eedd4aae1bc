#!/usr/bin/env python3
"""Makes src/swarm/event_fields.h from spec/events/*.json.

    gen_events.py SPEC_DIR OUT          writes the header
    gen_events.py --check SPEC_DIR OUT  fails when the header is not up to date

The header is committed, so that the core builds without Python.
"""
import json
import pathlib
import sys

KINDS = {"u32", "u64", "i32", "i64", "text", "json", "u32s", "texts",
         "run_state"}


def load(folder):
    events = []
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        event = json.loads(path.read_text())
        assert event["name"] == path.stem, f"{path}: name is not the file's"
        names = [field["name"] for field in event["fields"]]
        assert names[0] == "seq" and len(set(names)) == len(names), path
        assert set(event["example"]) == set(names) | {"type"}, \
            f"{path}: the example does not have exactly the fields"
        for field in event["fields"]:
            assert field["type"] in KINDS, f"{path}: {field['type']}"
            assert field["meaning"], f"{path}: {field['name']} has no meaning"
        events.append(event)
    return events


def field_order(events):
    """All fields, each with its one type; in an order all events agree on."""
    after, kinds = {}, {}
    for event in events:
        names = [field["name"] for field in event["fields"]]
        for i, field in enumerate(event["fields"]):
            kind = kinds.setdefault(field["name"], field["type"])
            assert kind == field["type"], f"{field['name']} has two types"
            after.setdefault(field["name"], set()).update(names[:i])
    order = []
    while len(order) < len(after):
        free = [n for n in after if n not in order
                and after[n] <= set(order)]
        assert free, "the events list their fields in conflicting orders"
        order.append(free[0])
    return [(name, kinds[name]) for name in order]


def render(events):
    fields = field_order(events)
    assert len(fields) <= 32
    out = ["/* event_fields.h: made by tools/gen_events.py from spec/events/. */",
           "#ifndef MDG_EVENT_FIELDS_H", "#define MDG_EVENT_FIELDS_H", "",
           "/* clang-format off */",
           "/* X(member of midge_event and key in JSON, type) */",
           "#define MDG_EVENT_FIELD_LIST(X) \\"]
    out += [f"    X({n}, {k.upper()}) \\" for n, k in fields[:-1]]
    out += [f"    X({fields[-1][0]}, {fields[-1][1].upper()})", "",
            "/* X(NAME, which fields its events carry) */",
            "#define MDG_EVENT_MASK_LIST(X) \\"]
    rows = []
    for event in events:
        bits = 0
        for i, (name, _) in enumerate(fields):
            bits |= any(f["name"] == name for f in event["fields"]) << i
        name = event["name"].replace(".", "_").upper()
        rows.append(f"    X({name}, 0x{bits:06x}u)")
    out += [" \\\n".join(rows), "/* clang-format on */", "", "#endif", ""]
    return "\n".join(out)


def main(args):
    check = args[0] == "--check"
    folder, target = args[1 if check else 0:]
    text = render(load(folder))
    path = pathlib.Path(target)
    if not check:
        path.write_text(text)
    elif path.read_text() != text:
        print(f"{target} does not match {folder}; run: tools/gen_events.py "
              f"{folder} {target}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
