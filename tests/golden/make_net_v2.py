#!/usr/bin/env python3
"""Writes net_v2.mnet from spec/formats/net.md alone: a network with shortcuts,
a mixed layer, a mask and scaling. This is how the file came to be, not a step of
the build."""
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
SHORTCUTS, MASK, INPUTS, OUTPUTS = 1, 2, 4, 8
SIGMOID, TANH, RELU = 3, 5, 18
sizes = [5, 3, 2]
runs = [(1, RELU, 1.0), (2, TANH, 0.5), (2, SIGMOID, 0.25)]
n_weights = (5 + 1) * 3 + (5 + 3 + 1) * 2
exists = [i % 7 != 3 for i in range(n_weights)]
weights = [i * i / 128 - 1.5 if exists[i] else 0.0 for i in range(n_weights)]
inputs = [(i, i + 1, -1, 0.5) for i in range(sizes[0])]
outputs = [(-2, 4, 0, 2), (3, 0.5, -1, 1)]
body = b"MIDGENET" + struct.pack("<3I", 2, len(sizes) - 1,
                                 SHORTCUTS | MASK | INPUTS | OUTPUTS)
body += struct.pack(f"<{len(sizes)}I", *sizes)
body += struct.pack("<I", len(runs))
for run in runs:
    body += struct.pack("<2If", *run)
body += struct.pack("<Q", n_weights)
bits = sum(1 << i for i in range(n_weights) if exists[i])
body += bits.to_bytes((n_weights + 7) // 8, "little")
for scaling in inputs + outputs:
    body += struct.pack("<4f", *scaling)
body += struct.pack(f"<{n_weights}f", *weights)
body += struct.pack("<I", crc32c(body))
pathlib.Path(__file__).with_name("net_v2.mnet").write_bytes(body)
