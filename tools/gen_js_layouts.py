#!/usr/bin/env python3
"""Writes for TypeScript where the fields of C structs are in wasm32, and what
the names of enums stand for, read from public headers: options are then filled,
and results read, where they lie, and no list is written a second time.

usage: gen_js_layouts.py OUT_TS DEPFILE HEADER... -- NAME...

NAME is a struct or an enum of the headers; the enums of a struct's fields come
with it. A field is [where it begins, its type], the type that of a number, an
enum or a struct. A name of an enum is the part behind what all have in common, in
small letters; of two names for one number the later is the one that is told.
"""
import os
import re
import sys
from pathlib import Path

SIZES = {"int": (4, "i32"), "int32_t": (4, "i32"), "uint32_t": (4, "u32"),
         "size_t": (4, "u32"), "float": (4, "f32"), "double": (8, "f64"),
         "uint64_t": (8, "u64")}
STRUCT = re.compile(r"typedef struct (midge_\w+) \{(.*?)\} \1;", re.S)
ENUM = re.compile(r"typedef enum (midge_\w+) \{(.*?)\} \1;", re.S)
POINTER = re.compile(r".*\(\*(\w+)\)\s*\(.*\)|.*\*\s*(\w+)", re.S)
FIELD = re.compile(r"(?:const )?(\w+) ([\w, \[\]]+)", re.S)


class Bad(Exception):
    """A declaration that this cannot read."""


def read_enums(text):
    """name -> {name of a value: number}, in the order of the header."""
    found = {}
    for name, body in ENUM.findall(text):
        values, following = {}, 0
        for part in (one.strip() for one in body.split(",")):
            if part:
                one, _, given = (word.strip() for word in part.partition("="))
                if given:
                    following = values[given] if given in values \
                        else int(given, 0)
                values[one] = following
                following += 1
        prefix = os.path.commonprefix(list(values))
        prefix = prefix[:prefix.rfind("_") + 1]
        found[name] = {one[len(prefix):].lower(): number
                       for one, number in values.items()}
    return found


class Layouts:
    """The structs of some headers, laid out as clang does for wasm32."""

    def __init__(self, text):
        self.enums = read_enums(text)
        self.bodies = dict(STRUCT.findall(text))
        self.pointers = set(re.findall(r"typedef \w+ \(\*(\w+)\)\s*\(", text))

    def kind(self, name):
        """(bytes, alignment, type) of what is no pointer."""
        if name in self.bodies:
            size, align, _ = self.struct(name)
            return size, align, name
        if name in self.enums:
            return 4, 4, name
        if name in self.pointers:
            return 4, 4, "pointer"
        if name in SIZES:
            size, kind = SIZES[name]
            return size, size, kind
        raise Bad(f"no size is known of {name!r}")

    def struct(self, name):
        """(bytes, alignment, {field: (at, type)})."""
        at, most, fields = 0, 1, {}
        for part in self.bodies[name].split(";"):
            for one, (size, align, kind) in self.declared(part.strip()):
                at = (at + align - 1) // align * align
                fields[one] = (at, kind)
                at += size
                most = max(most, align)
        return (at + most - 1) // most * most, most, fields

    def declared(self, text):
        """The fields of one line: name, what kind() says of it."""
        pointer = POINTER.fullmatch(text)
        if pointer:
            yield pointer[1] or pointer[2], (4, 4, "pointer")
            return
        found = FIELD.fullmatch(text) if text else None
        if text and (not found or "[" in text):
            raise Bad(f"a field that cannot be read: {text!r}")
        for name in found[2].split(",") if found else []:
            yield name.strip(), self.kind(found[1])


def write(layouts, names):
    structs = [name for name in names if name in layouts.bodies]
    missing = set(names) - set(structs) - set(layouts.enums)
    if missing:
        raise Bad(f"no header has {sorted(missing)}")
    made = {name: layouts.struct(name) for name in structs}
    enums = [name for name in layouts.enums if name in names or any(
        kind == name for *_, fields in made.values()
        for _, kind in fields.values())]
    out = ["/** Made by tools/gen_js_layouts.py from include/midge; do not edit. "
           "*/\n\n/** What names stand for in the core. */\n"
           "export const ENUMS = {\n"]
    for name in enums:
        out.append(f"  {name}: {{\n")
        out += [f"    {one}: {number},\n"
                for one, number in layouts.enums[name].items()]
        out.append("  },\n")
    out.append("} as const;\n\n/** Structs in the memory of a module: bytes, "
               "and where each field is. */\nexport const LAYOUTS = {\n")
    for name, (size, _, fields) in made.items():
        out.append(f"  {name}: {{\n    bytes: {size},\n    fields: {{\n")
        out += [f'      {one}: [{at}, "{kind}"],\n'
                for one, (at, kind) in fields.items()]
        out.append("    },\n  },\n")
    out.append("} as const;\n")
    return "".join(out)


def main(out_path, depfile, *rest):
    split = rest.index("--")
    headers, names = rest[:split], rest[split + 1:]
    text = "\n".join(Path(one).read_text() for one in headers)
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    made = write(Layouts(text), names)
    Path(out_path).write_text(made, encoding="utf-8")
    Path(depfile).write_text(f"{out_path}: {' '.join(headers)}\n")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Bad as why:
        sys.exit(f"gen_js_layouts.py: {why}")
