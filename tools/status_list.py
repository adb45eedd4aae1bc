"""status_list.py: the statuses of include/midge/status.h, as (name, text); the
place in the list is the value."""

import re
import sys


def read(header):
    with open(header, encoding="utf-8") as file:
        found = re.findall(r'X\((\w+),\s*(\d+),\s*"([^"]*)"\)', file.read())
    values = [int(value) for _, value, _ in found]
    if not found or values != list(range(len(found))):
        sys.exit(f"{header}: the values of MIDGE_STATUS_LIST must be 0, 1, ...")
    return [(name, text) for name, _, text in found]
