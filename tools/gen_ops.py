#!/usr/bin/env python3
"""Writes the table of operations from spec/ops/*.json.

usage: gen_ops.py OUT SPEC...    OUT: ops_table.c, or a page when it ends in .md

A description that breaks the rules below stops the build and is named.
"""
import json
import os
import re
import sys

TYPES = {"string": str, "integer": int, "number": (int, float),
         "boolean": bool, "object": dict, "array": list}
DOORS = {"task": "MIDGE_OP_TASK", "cli": "MIDGE_OP_CLI"}
OP_KEYS = {"name", "summary", "description", "doors", "args", "result",
           "errors", "example"}
ARG_KEYS = {"name", "type", "help", "value_name", "default", "required",
            "positional", "minimum", "maximum"}


def check_default(arg):
    value, kind = arg["default"], arg["type"]
    if isinstance(value, bool) != (kind == "boolean") \
            or not isinstance(value, TYPES[kind]):
        return f"default {value!r} is no {kind}"
    if kind in ("integer", "number") and not (
            arg.get("minimum", value) <= value <= arg.get("maximum", value)):
        return f"default {value} is out of range"
    return None


def check_arg(arg):
    if not ARG_KEYS >= set(arg):
        return f"unknown keys {sorted(set(arg) - ARG_KEYS)}"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", arg.get("name", "")):
        return "needs a name in snake_case"
    if arg.get("type") not in TYPES:
        return f"type {arg.get('type')!r} is none of {', '.join(TYPES)}"
    if not arg.get("help"):
        return "needs a help text"
    if ("minimum" in arg or "maximum" in arg) \
            and arg["type"] not in ("integer", "number"):
        return "only numbers have a minimum and a maximum"
    if arg.get("required") and "default" in arg:
        return "is required and has a default"
    return check_default(arg) if "default" in arg else None


def check_op(op, stem):
    if set(op) != OP_KEYS:
        return f"must have exactly the keys {sorted(OP_KEYS)}"
    if op["name"] != stem:
        return f"is named {op['name']!r}"
    if not op["summary"] or "\n" in op["summary"] or len(op["summary"]) > 70:
        return "the summary must be one line of at most 70 characters"
    if not op["doors"] or not set(op["doors"]) <= set(DOORS):
        return f"doors must be some of {', '.join(DOORS)}"
    names = [arg.get("name") for arg in op["args"]]
    if len(set(names)) != len(names):
        return "two arguments have the same name"
    for arg in op["args"]:
        why = check_arg(arg)
        if why:
            return f"argument {arg.get('name')!r}: {why}"
    return None


def load(paths):
    ops = []
    for path in sorted(paths):
        stem = os.path.basename(path).removesuffix(".json")
        with open(path, encoding="utf-8") as file:
            try:
                op = json.load(file)
            except ValueError as why:
                sys.exit(f"{path}: {why}")
        why = check_op(op, stem)
        if why:
            sys.exit(f"{path}: {why}")
        ops.append(op)
    return sorted(ops, key=lambda op: op["name"])


def text(value):
    if value is None:
        return "NULL"
    # C has no \u for control characters, and JSON's escapes of the rest fit.
    return json.dumps(value, ensure_ascii=False)


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def example(op):
    value = op["example"]
    return value if isinstance(value, str) else compact(value)


def c_number(value):
    return repr(float(value))


def c_arg(arg):
    default = text(compact(arg["default"])) if "default" in arg else "NULL"
    fields = [text(arg["name"]), text(arg["help"]),
              text(arg.get("value_name")), default,
              "MIDGE_ARG_" + arg["type"].upper(),
              int(arg.get("required", False)), int(arg.get("positional", False)),
              int("minimum" in arg), int("maximum" in arg),
              c_number(arg.get("minimum", 0)), c_number(arg.get("maximum", 0))]
    return "    {" + ", ".join(map(str, fields)) + "},\n"


def c_table(ops):
    out = ["/* Made from spec/ops by tools/gen_ops.py; do not edit. */\n",
           '#include "ops/ops_table.h"\n\n']
    for op in ops:
        if op["args"]:
            out.append(f"static const midge_arg args_{ident(op)}[] = {{\n")
            out.extend(map(c_arg, op["args"]))
            out.append("};\n\n")
    out.append("const midge_op mdg_ops_table[] = {\n")
    for op in ops:
        doors = " | ".join(DOORS[door] for door in op["doors"])
        run = f"mdg_op_{ident(op)}" if "task" in op["doors"] else "NULL"
        args = f"args_{ident(op)}" if op["args"] else "NULL"
        out.append(f"    {{{text(op['name'])}, {text(op['summary'])},\n"
                   f"     {text(op['description'])},\n"
                   f"     {text(example(op))},\n"
                   f"     {args}, {len(op['args'])}, {doors}, {run}}},\n")
    out.append("};\n\n"
               f"const size_t mdg_ops_table_size = {len(ops)};\n")
    return "".join(out)


def ident(op):
    return re.sub(r"\W", "_", op["name"])


def page(ops):
    out = ["# Operations\n\nMade from spec/ops by tools/gen_ops.py.\n"]
    for op in ops:
        out.append(f"\n## {op['name']}\n\n{op['summary']} "
                   f"{op['description']}\n\nDoors: {', '.join(op['doors'])}. "
                   f"Example: `{example(op)}`\n")
        if op["args"]:
            out.append("\n| argument | type | default | meaning |\n"
                       "|---|---|---|---|\n")
        for arg in op["args"]:
            default = "required" if arg.get("required") else (
                f"`{compact(arg['default'])}`" if "default" in arg else "none")
            bounds = [f"{word} {arg[key]:g}" for key, word in
                      (("minimum", "from"), ("maximum", "to")) if key in arg]
            kind = " ".join([arg["type"], *bounds])
            out.append(f"| {arg['name']} | {kind} | {default} | "
                       f"{arg['help']} |\n")
        out.append("\nResult:\n" + "".join(
            f"- `{key}`: {meaning}\n" for key, meaning in op["result"].items()))
        if op["errors"]:
            out.append("\nErrors:\n"
                       + "".join(f"- {one}\n" for one in op["errors"]))
    return "".join(out)


def main(args):
    if len(args) < 2:
        sys.exit(__doc__)
    ops = load(args[1:])
    made = page(ops) if args[0].endswith(".md") else c_table(ops)
    with open(args[0], "w", encoding="utf-8") as file:
        file.write(made)


if __name__ == "__main__":
    main(sys.argv[1:])
