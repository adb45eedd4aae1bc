#!/usr/bin/env python3
"""gen_unicode.py > src/embed/unicode_tables.h: which code points words are made
of, and their simple lower case, from Python's own Unicode data. The result is
in the repository, since another Python knows another Unicode: texts embedded
with one table must be searched with the same."""

import sys
import unicodedata

LAST = 0x10FFFF


def is_word(code):
    return unicodedata.category(chr(code))[0] in "LM" \
        or unicodedata.category(chr(code)) == "Nd"


def lower(code):
    """Simple lower case: one code point to one."""
    if code == 0x130:  # the only one whose lower() is two
        return 0x69
    text = chr(code).lower()
    return ord(text) if len(text) == 1 else code


def word_ranges():
    ranges, start = [], None
    for code in range(LAST + 2):
        inside = code <= LAST and is_word(code)
        if inside and start is None:
            start = code
        elif not inside and start is not None:
            ranges.append((start, code - 1))
            start = None
    return ranges


def lower_ranges():
    """(first, last, step, delta): runs of code points one or two apart that
    change by the same."""
    changed = [(code, lower(code) - code) for code in range(LAST + 1)
               if lower(code) != code]
    ranges = []
    for code, delta in changed:
        if ranges:
            first, last, step, same = ranges[-1]
            gap = code - last
            if delta == same and gap in (1, 2) and step in (0, gap):
                ranges[-1] = (first, code, gap, delta)
                continue
        ranges.append((code, code, 0, delta))
    return [(first, last, step or 1, delta)
            for first, last, step, delta in ranges]


def lines_of(items, per_line):
    for at in range(0, len(items), per_line):
        yield "    " + ", ".join(items[at:at + per_line]) + ","


def main():
    words, lowers = word_ranges(), lower_ranges()
    print(f"""\
/* unicode_tables.h: made by tools/gen_unicode.py from Unicode
 * {unicodedata.unidata_version}; do not edit. For unicode_words.c alone. */
#ifndef MDG_UNICODE_TABLES_H
#define MDG_UNICODE_TABLES_H

#include <stdint.h>

/* clang-format off */
/* First and last of the runs of letters, marks and decimal digits. */
static const uint32_t word_ranges[{len(words)}][2] = {{""")
    print("\n".join(lines_of([f"{{0x{a:X}, 0x{b:X}}}" for a, b in words], 3)))
    print(f"""\
}};

/* Every `step`th code point from first to last has its lower case `delta`
 * behind it. */
static const struct lower_range {{
    uint32_t first, last;
    int32_t step, delta;
}} lower_ranges[{len(lowers)}] = {{""")
    print("\n".join(lines_of(
        [f"{{0x{a:X}, 0x{b:X}, {s}, {d}}}" for a, b, s, d in lowers], 2)))
    print("""\
};
/* clang-format on */

#endif""")


if __name__ == "__main__":
    sys.exit(main())
