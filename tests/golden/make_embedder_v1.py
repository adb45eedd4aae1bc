#!/usr/bin/env python3
"""Writes embedder_v1.membed from spec/formats/embedder.md alone. Golden files
stay as they are for ever: this is how the file came to be, not a step of the
build."""
import pathlib
import struct


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283
WORDS = b"one 1 0 0.5\ntwo 0 1 0.25\nsix 1 1 0\nten 3 1 2\n"
COUNTS = b"one 3\ntwo 1\n"
component = [0.5, -0.5, 2 ** -0.5]
part = struct.pack("<QII", len(WORDS), crc32c(WORDS), 4)
part += struct.pack("<dII", 0.25, 1, crc32c(COUNTS))
part += struct.pack("<I3f", 1, *component)
body = b"MIDGEEMB" + struct.pack("<II5sII", 1, 5, b"words", 3, len(part)) + part
body += struct.pack("<I", crc32c(body))
pathlib.Path(__file__).with_name("embedder_v1.membed").write_bytes(body)
