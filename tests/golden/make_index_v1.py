#!/usr/bin/env python3
"""Writes index_v1.midx from spec/formats/index.md alone: four rows of three
floats with a graph, an upper level, ids and columns, and a frame that adds a
row and deletes another. Golden files stay as they are for ever: this is how the
file came to be, not a step of the build."""
import pathlib
import struct

PAGE, ALIGN = 4096, 64
L2SQ, HNSW, F32, BY_ROWS, NUMBERS = 0, 2, 0, 1, 0
INT, STRING, SET = 0, 2, 4
LARGE = (2, 3, 4)
DIM, M, SEED = 3, 2, 7
NONE = 0xFFFFFFFF


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def u32s(*numbers):
    return struct.pack(f"<{len(numbers)}I", *numbers)


def u64s(*numbers):
    return struct.pack(f"<{len(numbers)}Q", *numbers)


def f32s(*numbers):
    return struct.pack(f"<{len(numbers)}f", *numbers)


def up(at, to):
    return (at + to - 1) // to * to


def links(room, *rows):
    return u32s(len(rows), *rows, *[0] * (room - len(rows)))


def state(rows, dead, next_id):
    return (u32s(rows, dead, 1, 1, 0, 20) + u64s(next_id) + f32s(0)
            + u32s(0, 2)).ljust(64, b"\0")


def name(kind, text):
    return (u32s(kind, len(text)) + text.encode()).ljust(80, b"\0")


# kind, which, bytes of a record, the records
SECTIONS = [
    (1, 0, 64, state(4, 0, 41)),
    (2, 0, 12, f32s(0, 0, 0) + f32s(1, 0, 0) + f32s(0, 2, 0) + f32s(0, 0, 3)),
    (3, 0, 12, b""),  # codes padded to four, scale, square: none here
    (4, 0, 4 * (1 + 2 * M), links(4, 1, 2, 3) + links(4, 0, 2)
     + links(4, 0, 1) + links(4, 0)),
    (5, 0, 1, b"\0"),
    (6, 0, 8, u64s(10, 20, 30, 40)),
    (7, 0, 8, b""), (8, 0, 4, b""), (9, 0, 1, b""),
    (10, 0, 4, u32s(2)), (11, 0, 4, u32s(2)),
    (12, 0, 4 * (1 + M), links(2)),
    (13, 0, 80, name(INT, "year") + name(SET, "tags")),
    (14, 0, 1, b"\xf8"),  # row 3, and bits past the last row
    (15, 0, 8, struct.pack("<4q", 1990, -5, 2 ** 40, 0)),
    (16, 0, 8, u64s(0)), (17, 0, 1, b""), (18, 0, 4, b""),
    (14, 1, 1, b"\xfc"),
    (15, 1, 8, u64s(0 << 16 | 2, 2 << 16 | 1, 0, 0)),
    (16, 1, 8, u64s(0, 3, 4)), (17, 1, 1, b"reda"), (18, 1, 4, u32s(0, 1, 1)),
]


def shift_of(record):
    shift = 0
    while record << (shift + 1) <= 4096:
        shift += 1
    return shift


def sums_of(record, data):
    step = record << shift_of(record)
    return [crc32c(data[at:at + step]) for at in range(0, len(data), step)]


def image():
    sums = [sums_of(record, data) for _, _, record, data in SECTIONS]
    size = 48 * len(SECTIONS) + 4 * sum(map(len, sums))
    at, first, entries, body = 3 * PAGE + size, 0, b"", b""
    start = at
    for (kind, which, record, data), own in zip(SECTIONS, sums):
        at = up(at, PAGE if kind in LARGE and data else ALIGN)
        entries += u32s(kind, which) + u64s(at, len(data) // record) \
            + u32s(record, shift_of(record)) + u64s(first, 0)
        body = body.ljust(at - start, b"\0") + data
        at, first = at + len(data), first + len(own)
    directory = entries + u32s(*sum(sums, []))
    base = up(at, ALIGN)
    header = b"MIDGEVEC" + u32s(1, DIM, L2SQ, HNSW, F32, BY_ROWS, NUMBERS, M,
                                50, len(SECTIONS))
    header += u64s(SEED, size, base) + u32s(crc32c(directory))
    header += u32s(crc32c(header))
    return header, directory + body.ljust(base - start, b"\0"), base


def part(kind, which, form, count, data):
    return (u32s(kind, which, form, count) + u64s(len(data)) + data) \
        .ljust(up(24 + len(data), 8), b"\0")


def records(kind, which, rows, data):
    return part(kind, which, 0, len(rows),
                u32s(*rows).ljust(up(4 * len(rows), 8), b"\0") + data)


def frame(sequence, chain):
    parts = [
        records(2, 0, [4], f32s(5, 5, 5)),
        records(6, 0, [4], u64s(50)),
        part(14, 0, 2, 1, u32s(4 << 1)),
        records(15, 0, [4], struct.pack("<q", 2026)),
        part(17, 1, 3, 1, u64s(2) + u32s(4) + b"blue"),
        part(14, 1, 2, 1, u32s(4 << 1)),
        part(15, 1, 1, 1, u32s(4, 2, 0, 2)),
        part(5, 0, 2, 2, u32s(1 << 1 | 1, 4 << 1)),
        part(4, 0, 1, 2, u32s(3, 2, 0, 4) + u32s(4, 1, 3)),
        part(10, 0, 5, 0, u64s(1)),
    ]
    rest = state(5, 1, 51) + b"".join(parts)
    size = up(32 + len(rest) + 4, ALIGN)
    head = b"MIDGEFRM" + u64s(sequence, size) + u32s(chain, len(parts))
    content = (head + rest).ljust(size - 4, b"\0")
    return content + u32s(crc32c(content))


def slot(sequence, length, header, chain, frames):
    content = (u64s(sequence, length) + u32s(header, chain, frames)) \
        .ljust(60, b"\0")
    return (content + u32s(crc32c(content))).ljust(PAGE, b"\0")


def main():
    assert crc32c(b"123456789") == 0xE3069283
    header, rest, base = image()
    crc = crc32c(header[:76])
    change = frame(2, crc)
    chain = struct.unpack("<I", change[-4:])[0]
    whole = header.ljust(PAGE, b"\0") \
        + slot(2, base + len(change), crc, chain, 1) \
        + slot(1, base, crc, crc, 0) + rest + change
    pathlib.Path(__file__).with_name("index_v1.midx").write_bytes(whole)


if __name__ == "__main__":
    main()
