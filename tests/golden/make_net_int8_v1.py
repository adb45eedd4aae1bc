#!/usr/bin/env python3
"""Writes net_int8_v1.mnet8 from spec/formats/net_int8.md alone: two layers, one
of them mixed, with scaling; and prints what it gives for one row (all steps are
powers of two, so that no float is rounded). This is how the file came to be,
not a step of the build."""
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
LINEAR, RELU, INPUTS, OUTPUTS = 0, 18, 1, 2
sizes = [5, 3, 2]
runs = [(1, LINEAR, 0.5), (2, RELU, 1.0), (2, LINEAR, 1.0)]
f = [[lambda v: v / 2, lambda v: max(v, 0), lambda v: max(v, 0)],
     [lambda v: v, lambda v: v]]
inputs = [(i, i + 1, -1, 0.5) for i in range(sizes[0])]
outputs = [(-2, 4, 0, 2), (3, 0.5, -1, 1)]
layers = []  # s, z, t, b, q[i][j]
for n_in, n_out, s, z in [(5, 3, 2 ** -4, 100), (3, 2, 2 ** -3, 7)]:
    layers.append((s, z, [2.0 ** -(5 + j) for j in range(n_out)],
                   [j - 0.5 for j in range(n_out)],
                   [[(37 * (i * n_out + j)) % 255 - 127 for j in range(n_out)]
                    for i in range(n_in)]))

body = b"MIDGENI8" + struct.pack("<3I", 1, len(sizes) - 1, INPUTS | OUTPUTS)
body += struct.pack(f"<{len(sizes)}I", *sizes)
body += struct.pack("<I", len(runs))
for run in runs:
    body += struct.pack("<2If", *run)
for scaling in inputs + outputs:
    body += struct.pack("<4f", *scaling)
for s, z, t, b, q in layers:
    body += struct.pack("<fI", s, z)
    body += struct.pack(f"<{len(t) + len(b)}f", *t, *b)
    body += b"".join(struct.pack(f"<{len(row)}b", *row) for row in q)
body += struct.pack("<I", crc32c(body))
pathlib.Path(__file__).with_name("net_int8_v1.mnet8").write_bytes(body)

x = [0.25, -1.0, 2.5, 100.0, -100.0]
for (s, z, t, b, q), functions in zip(layers, f):
    a = [min(max(round(v / s) + z, 0), 255) for v in x]
    c = [sum(a[i] * q[i][j] for i in range(len(a))) -
         z * sum(q[i][j] for i in range(len(a))) for j in range(len(t))]
    x = [functions[j](c[j] * (s * t[j]) + b[j]) for j in range(len(t))]
print(x)
