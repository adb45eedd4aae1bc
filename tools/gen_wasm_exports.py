#!/usr/bin/env python3
"""Writes the TypeScript description of what the wasm modules export: from the
EXPORT(name) declarations of their C files, and from the lists of operations of
the kernels. A call of something that is not there is then a compile error, and
a module that lacks something is refused when it is loaded.

usage: gen_wasm_exports.py OUT_TS DEPFILE ROOT MODULE=PART,PART... ...

PART is a C file below bindings/js/wasm of ROOT; a family of operations, such as
`reduce`; one operation; `all` operations; or a module named before, which this
one has all of. The module `common` is none by itself: every other one has what
it has.
"""
import io
import re
import sys
from pathlib import Path

EXPORT = re.compile(r"\bEXPORT\((\w+)\)\s*([^;{}]+?\([^;{}]*\))\s*;")
SIGNATURE = re.compile(r"(.*?)\b\w+\s*\((.*)\)", re.S)
OPERATION = re.compile(r"X\(\s*isa\s*,\s*([^,]+?)\s*,\s*(\w+)\s*,\s*"
                       r"\(([^()]*)\)\s*\)")
STRUCT = re.compile(r"typedef struct (mdg_\w+) \{(.*?)\} \1;", re.S)
UNSIGNED = {"uint32_t", "size_t"}
NUMBERS = UNSIGNED | {"int", "int32_t", "float", "double", "uint8_t", "int8_t",
                      "uint16_t", "int16_t", "unsigned"}
WORDS = UNSIGNED | {"int", "int32_t", "float"}  # four bytes each in wasm32
RESERVED = {"in": "input", "var": "variance", "new": "fresh"}


class Bad(Exception):
    """A declaration that JavaScript could not call."""


def typescript(c_type):
    """The type of an argument or result, as WebAssembly hands it over."""
    bare = re.sub(r"\b(const|restrict|struct)\b", " ", c_type)
    bare = " ".join(bare.split())
    if "*" in bare or "[" in bare:
        return "Pointer"
    if bare in NUMBERS:
        return "number"
    if bare in ("uint64_t", "int64_t"):
        return "bigint"
    if bare == "void":
        return "void"
    raise Bad(f"no TypeScript type for {c_type!r}")


def parameter(text, index):
    """One C parameter as (name, TypeScript type)."""
    found = re.fullmatch(r"(.*?[\s*])(\w+)((?:\[\w*\])?)", text.strip(), re.S)
    if not found:
        raise Bad(f"parameter {index} has no name: {text!r}")
    name = RESERVED.get(found[2], found[2])
    name = re.sub(r"_(\w)", lambda letter: letter[1].upper(), name)
    return name, typescript(found[1] + found[3])


def function(result, parameters):
    """The TypeScript signature and whether the result is unsigned."""
    parts = [] if parameters.strip() in ("", "void") else parameters.split(",")
    listed = ", ".join(f"{name}: {kind}" for name, kind in
                       (parameter(part, at) for at, part in enumerate(parts)))
    bare = " ".join(result.replace("const", " ").split())
    return (f"({listed}): {typescript(result)}",
            bare in UNSIGNED or "*" in bare)


def doors(path):
    """The functions that a C file of the door declares: name -> signature."""
    found = {}
    for name, declaration in EXPORT.findall(path.read_text()):
        result, parameters = SIGNATURE.fullmatch(declaration).groups()
        found[name] = function(result, parameters)
    if not found:
        raise Bad(f"{path.name} exports nothing")
    return found


def families(root):
    """The headers with operations, as kernels.h includes them."""
    folder = root / "src"
    kernels = folder / "kernels/kernels.h"
    names = re.findall(r'#include "(kernels/\w+\.h)"', kernels.read_text())
    listed = set(re.findall(r"MDG_(\w+)_OPS\(X", kernels.read_text()))
    found = [folder / name for name in names]
    missing = listed - {word for path in found for word in
                        re.findall(r"MDG_(\w+)_OPS\(X", path.read_text())}
    if missing:
        raise Bad(f"no header has the operations {sorted(missing)}")
    return found


def operations(headers):
    """The operations by family: family -> name -> signature."""
    found = {}
    for path in headers:
        text = path.read_text().replace("\\\n", " ")
        for family, body in re.findall(
                r"#define MDG_(\w+)_OPS\(X, isa\)(.*)", text):
            listed = OPERATION.findall(body)
            if body.count("X(") != len(listed):
                raise Bad(f"{path.name}: an operation that cannot be read")
            found[family.lower()] = {
                name: function(result, parameters)
                for result, name, parameters in listed}
    if not any(found.values()):
        raise Bad("no operations")
    return found


def field(text):
    """The names of one line of a struct whose fields are all four bytes."""
    pointer_to_function = re.fullmatch(r".*\(\*(\w+)\)\s*\(.*\)", text, re.S)
    if pointer_to_function:
        return [pointer_to_function[1]]
    found = re.fullmatch(r"(?:const )?(\w+) (.*)", text, re.S)
    names = [name.strip() for name in found[2].split(",")] if found else []
    for name in names:
        if not name.startswith("*") and found[1] not in WORDS \
                or not re.fullmatch(r"\*?\w+", name):
            raise Bad(f"a field that is not one word of four bytes: {text!r}")
    return [name.lstrip("*") for name in names]


def structs(headers, operations_text):
    """Fields of the structs that operations take: name -> [field]."""
    found = {}
    for path in headers:
        text = re.sub(r"/\*.*?\*/", " ", path.read_text(), flags=re.S)
        for name, body in STRUCT.findall(text):
            if re.search(rf"\b{name} \*", operations_text):
                parts = [" ".join(part.split()) for part in body.split(";")]
                found[name] = [one for part in parts if part
                               for one in field(part)]
    return found


def camel(name):
    return "".join(part.capitalize() for part in name.split("_"))


def write_interface(out, name, parents, found):
    extends = f" extends {', '.join(parents)}" if parents else ""
    out.write(f"export interface {name}{extends} {{\n")
    out.writelines(f"  {one}{signature};\n"
                   for one, (signature, _) in found.items())
    out.write("}\n\n")


def write_list(out, comment, head, names, tail="];"):
    out.write(f"/** {comment} */\nexport const {head}\n")
    out.writelines(f'  "{name}",\n' for name in names)
    out.write(f"{tail}\n\n")


class Module:
    """What a module exports: `parent` is a module that it has all of."""

    def __init__(self, name, parts, modules, families_of, folder):
        self.name, self.parent = name, modules.get(parts[0])
        self.files = [folder / part for part in parts if part.endswith(".c")]
        self.functions, self.ops = {}, {}
        every = {name: one for family in families_of.values()
                 for name, one in family.items()}
        for path in self.files:
            self.functions.update(doors(path))
        for part in parts[1 if self.parent else 0:]:
            if part == "all":
                self.ops.update(every)
            elif part in families_of:
                self.ops.update(families_of[part])
            elif part in every:
                self.ops[part] = every[part]
            elif not part.endswith(".c"):
                raise Bad(f"{name}: there is nothing called {part}")
        if self.parent:
            self.ops = {one: what for one, what in self.ops.items()
                        if one not in self.parent.ops}

    def interfaces(self, out):
        parent = camel(self.parent.name) if self.parent else None
        parents = [f"{parent}Exports" if parent else "CommonExports"]
        if self.ops:
            write_interface(out, camel(self.name) + "Ops",
                            [f"{parent}Ops"] if parent else [], self.ops)
            parents.append(camel(self.name) + "Ops")
        write_interface(out, camel(self.name) + "Exports", parents,
                        self.functions)

    def listed(self):
        """The lists of names that it has, as TypeScript."""
        names = "".join(f'    "{name}",\n' for name in self.functions)
        above = f"EXPORT_NAMES_OF_{self.parent.name.upper()}" \
            if self.parent else "COMMON"
        ops = f"\n    ...OPERATIONS.{self.name}," if self.ops else ""
        return f"    ...{above},{ops}\n{names}"


def write_lists(out, modules):
    out.write("/** The operations of modules, without those of the module that "
              "they extend. */\nexport const OPERATIONS = {\n")
    for module in modules:
        if module.ops:
            names = "".join(f'    "{name}",\n' for name in module.ops)
            out.write(f"  {module.name}: [\n{names}  ],\n")
    out.write("} as const;\n\n")
    for module in modules:
        if any(other.parent is module for other in modules):
            out.write(f"const EXPORT_NAMES_OF_{module.name.upper()} = [\n"
                      f"{module.listed()}] as const;\n\n")
    out.write("/** What each module must have; a loaded one is checked. */\n"
              "export const EXPORT_NAMES: {\n  readonly [M in keyof "
              "ModuleExports]: readonly (keyof ModuleExports[M])[];\n} = {\n")
    for module in modules:
        out.write(f"  {module.name}: [\n{module.listed()}  ],\n")
    out.write("};\n\n")


def write(out, common, modules, headers, selftest):
    out.write("/** Made by tools/gen_wasm_exports.py from the C sources of the "
              "modules; do\n * not edit. */\n\n"
              "/** An address in a module's memory. */\n"
              "export type Pointer = number;\n\n")
    write_interface(out, "CommonExports", [], common)
    for module in modules:
        module.interfaces(out)
    out.write("export interface ModuleExports {\n")
    out.writelines(f"  {module.name}: {camel(module.name)}Exports;\n"
                   for module in modules)
    out.write("}\n\n")
    write_list(out, "What every module has.", "COMMON = [", common,
               "] as const;")
    write_lists(out, modules)
    everything = [common, *(found for module in modules
                            for found in (module.ops, module.functions))]
    write_list(out, "Results that are unsigned: WebAssembly hands over all as "
               "signed.", "UNSIGNED: ReadonlySet<string> = new Set([",
               sorted({name for found in everything
                       for name, (_, unsigned) in found.items() if unsigned}),
               "]);")
    text = " ".join(path.read_text() for path in headers)
    out.write("/** Where the fields of structs are, in words of four bytes; WORDS "
              "is their size. */\nexport const STRUCTS = {\n")
    for name, fields in structs(headers, text).items():
        words = [*fields, "WORDS"]
        out.write(f"  {name}: {{\n")
        out.writelines(f"    {one}: {at},\n" for at, one in enumerate(words))
        out.write("  },\n")
    out.write("} as const;\n\n")
    out.write("/** What selftest() gives wherever results can be trusted. */\n"
              f"export const SELFTEST_RESULT = {selftest};\n")


def main(out_path, depfile, root, *wanted):
    root = Path(root)
    headers = families(root)
    header = root / "include/midge/selftest.h"
    selftest = re.search(r"SELFTEST_RESULT (0x[0-9a-f]+)", header.read_text())
    families_of = operations(headers)
    modules = {}
    for one in wanted:
        name, _, parts = one.partition("=")
        modules[name] = Module(name, parts.split(","), modules, families_of,
                               root / "bindings/js/wasm")
    read = [root / "src/kernels/kernels.h", header, *headers,
            *(path for module in modules.values() for path in module.files)]
    common = modules.pop("common").functions
    out = io.StringIO()  # nothing is written when something is wrong
    write(out, common, list(modules.values()), headers, selftest[1])
    Path(out_path).write_text(out.getvalue(), encoding="utf-8")
    Path(depfile).write_text(f"{out_path}: {' '.join(map(str, read))}\n")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Bad as why:
        sys.exit(f"gen_wasm_exports.py: {why}")
