#!/usr/bin/env python3
"""Makes a wasm module smaller: a vector constant takes 18 bytes, the same number
as a scalar and an instruction that copies it into all lanes 4 to 8. Compilers have
no option for that. Nothing else is changed.

usage: wasm_splats.py IN OUT
"""
import struct
import sys
from pathlib import Path

CODE = 10
NO_MORE = set(range(0x45, 0xC5)) | {0x00, 0x01, 0x05, 0x0B, 0x0F, 0x1A, 0x1B, 0xD1}
ONE_LEB = {0x02, 0x03, 0x04, 0x0C, 0x0D, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25,
           0x26, 0x3F, 0x40, 0x41, 0x42, 0xD0, 0xD2}
TWO_LEBS = {0x11} | set(range(0x28, 0x3F))
I32_CONST, F32_CONST = 0x41, 0x43
V128_CONST, I8_SPLAT, I32_SPLAT, F32_SPLAT = 12, 15, 17, 19


class Bad(Exception):
    """Not a module that this can read."""


def leb(data, at):
    """(value, where it ends) of an unsigned number."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        if byte < 0x80:
            return value, at


def put(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def put_signed(value):
    out = bytearray()
    while not -64 <= value < 64:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value & 0x7F)
    return bytes(out)


def skip(data, at, count):
    for _ in range(count):
        _, at = leb(data, at)
    return at


def after_prefixed(data, at):
    """The end of an instruction whose first byte, at - 1, is 0xFC to 0xFE."""
    prefix = data[at - 1]
    kind, at = leb(data, at)
    if prefix == 0xFC:
        return skip(data, at, 0 if kind < 8 else 1 if kind in (9, 11, 13) else 2)
    if prefix == 0xFE:
        return skip(data, at, 1 if kind == 3 else 2)
    if kind <= 11 or kind in (92, 93):
        return skip(data, at, 2)
    if kind in (12, 13):
        return at + 16
    if 84 <= kind <= 91:
        return skip(data, at, 2) + 1
    return at + 1 if 21 <= kind <= 34 else at


def after(data, at):
    """The end of the instruction at `at`."""
    code, at = data[at], at + 1
    if code in NO_MORE:
        return at
    if code in ONE_LEB:
        return skip(data, at, 1)
    if code in TWO_LEBS:
        return skip(data, at, 2)
    if code in (0x0E, 0x1C):  # br_table, select of types
        count, at = leb(data, at)
        return skip(data, at, count + (code == 0x0E))
    if code == F32_CONST:
        return at + 4
    if code == 0x44:
        return at + 8
    if code in (0xFC, 0xFD, 0xFE):
        return after_prefixed(data, at)
    raise Bad(f"an instruction {code:#x}")


def splat(lanes):
    """The shortest instructions for a constant of 16 bytes."""
    found = [b"\xfd" + put(V128_CONST) + lanes]
    if lanes == lanes[:4] * 4:
        number = struct.unpack("<i", lanes[:4])[0]
        found.append(bytes([I32_CONST]) + put_signed(number)
                     + b"\xfd" + put(I32_SPLAT))
        found.append(bytes([F32_CONST]) + lanes[:4] + b"\xfd" + put(F32_SPLAT))
    if lanes == lanes[:1] * 16:
        found.append(bytes([I32_CONST]) + put_signed(lanes[0])
                     + b"\xfd" + put(I8_SPLAT))
    return min(found, key=len)


def smaller(body):
    """The body of a function, its locals first."""
    count, at = leb(body, 0)
    for _ in range(count):
        at = skip(body, at, 1) + 1
    out = bytearray(body[:at])
    while at < len(body):
        end = after(body, at)
        is_constant = body[at] == 0xFD and body[at + 1] == V128_CONST
        out += splat(body[at + 2:end]) if is_constant else body[at:end]
        at = end
    return bytes(out)


def rewrite(data):
    if data[:8] != b"\0asm\1\0\0\0":
        raise Bad("no wasm module")
    out, at = bytearray(data[:8]), 8
    while at < len(data):
        kind = data[at]
        size, start = leb(data, at + 1)
        content = data[start:start + size]
        at = start + size
        if kind == CODE:
            count, inside = leb(content, 0)
            bodies = put(count)
            for _ in range(count):
                size, start = leb(content, inside)
                inside = start + size
                body = smaller(content[start:inside])
                bodies += put(len(body)) + body
            content = bodies
        out += bytes([kind]) + put(len(content)) + content
    return bytes(out)


if __name__ == "__main__":
    try:
        Path(sys.argv[2]).write_bytes(rewrite(Path(sys.argv[1]).read_bytes()))
    except Bad as why:
        sys.exit(f"wasm_splats.py: {why}")
