#!/usr/bin/env python3
"""Writes the status names for JavaScript from the list in status.h.

usage: gen_js_status.py STATUS_H OUT_TS
"""
import sys

import status_list

header, out = sys.argv[1:]
names = [name for name, _ in status_list.read(header)]
with open(out, "w", encoding="utf-8") as file:
    file.write("/** Made from include/midge/status.h; do not edit. */\n")
    file.write("export const STATUS_NAMES: readonly string[] = [\n")
    file.writelines(f'  "{name}",\n' for name in names)
    file.write("];\n")
