#!/usr/bin/env python3
"""Writes net_v1.mnet from spec/formats/net.md alone. Golden files stay as they
are for ever: this is how the file came to be, not a step of the build."""
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
RELU, SIGMOID = 3, 1
sizes = [5, 3, 2]
weights = [i * i / 128 - 1.5 for i in range(6 * 3 + 4 * 2)]
body = b"MIDGENET" + struct.pack("<4I", 1, len(sizes) - 1, RELU, SIGMOID)
body += struct.pack(f"<{len(sizes)}I", *sizes)
body += struct.pack("<Q", len(weights))
body += struct.pack(f"<{len(weights)}f", *weights)
body += struct.pack("<I", crc32c(body))
pathlib.Path(__file__).with_name("net_v1.mnet").write_bytes(body)
