#!/usr/bin/env python3
"""Writes bundle_v1.mbun from the format pages alone (spec/formats/bundle.md,
encoder.md, model.md): an encoder of two columns and an ensemble of two
k-nearest-neighbour models. model_file_test.c knows what it must predict. Golden
files stay as they are for ever: this is how the file came to be."""

import struct
from pathlib import Path


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def u32(*values):
    return struct.pack(f"<{len(values)}I", *values)


def f32(*values):
    return struct.pack(f"<{len(values)}f", *values)


def text(word):
    return u32(len(word.encode())) + word.encode()


def texts(*words):
    return u32(len(words)) + b"".join(text(word) for word in words)


def frame(magic, content):
    whole = magic + u32(1) + content
    return whole + u32(crc32c(whole))


def knn(k, metric, rows, targets):
    head = u32(1, 0, 3, 2) + u32(k, metric, 0, len(rows))
    return head + b"".join(f32(*row) for row in rows + targets)


size = text("size") + u32(0, 0) + f32(2, 2, 2) + texts()
colour = text("colour") + u32(1, 1) + f32(0, 0, 1) + texts("red", "grün")
encoder = frame(b"MIDGEENC", u32(0, 1) + text("kind") + f32(0, 1)
                + texts("no", "yes") + u32(2) + size + colour + texts("id"))
near = knn(1, 0, [(1, 0, 1), (-1, 1, 0), (0, 0, 0)], [(0, 1), (1, 0), (1, 0)])
angle = knn(2, 1, [(1, 0, 1), (2, 0, 2), (-1, 0, 0)], [(1, 0), (0, 1), (1, 0)])
ensemble = u32(3, 0, 3, 2) + u32(2) + f32(0.75, 0.25) + near + angle
bundle = frame(b"MIDGEBUN",
               struct.pack("<Q", len(encoder)) + encoder + ensemble)
Path(__file__).with_name("bundle_v1.mbun").write_bytes(bundle)
