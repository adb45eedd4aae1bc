#!/usr/bin/env python3
"""Writes the status names for JavaScript from the list in status.h.

usage: gen_js_status.py STATUS_H OUT_TS
"""
import re
import sys

header, out = sys.argv[1:]
with open(header, encoding="utf-8") as file:
    found = re.findall(r'X\((\w+),\s*(\d+),\s*"[^"]*"\)', file.read())
names = [name for name, _ in found]
if not names or [int(value) for _, value in found] != list(range(len(names))):
    sys.exit(f"{header}: the values of MIDGE_STATUS_LIST must be 0, 1, 2, ...")
with open(out, "w", encoding="utf-8") as file:
    file.write("/** Made from include/midge/status.h; do not edit. */\n")
    file.write("export const STATUS_NAMES: readonly string[] = [\n")
    file.writelines(f'  "{name}",\n' for name in names)
    file.write("];\n")
