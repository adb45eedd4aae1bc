// word_vectors.mjs: real word vectors, if small ones: how much more often than
// by chance a word stands in a sentence with others (positive pointwise mutual
// information, Church and Hanks 1990), counted in the sentences below.
import { writeFileSync } from "node:fs";

const SENTENCES = `
the cook boils rice in a pot
the chef boils soup in a pot
the chef fries an onion in a pan
the cook fries an egg in a pan
the cook prepares soup with onion and salt
the chef prepares stew with rice and salt
a cook stirs stew in the kitchen
a chef stirs soup in the kitchen
the kitchen has a pot and a pan
dinner is soup and rice
supper is stew and rice
the chef serves dinner in the kitchen
the cook serves supper in the kitchen
the sailor steers a boat across the sea
the captain steers a ship across the ocean
the captain raises the sail in the wind
the sailor raises the sail in a storm
a ship crosses the sea in a storm
a boat crosses the ocean in the wind
the harbour shelters a boat from the storm
the port shelters a ship from the wind
waves of the ocean rock the ship
waves of the sea rock the boat
the judge reads the law in a court
the lawyer reads the statute in a court
the lawyer pleads before the jury
the attorney pleads before the judge
the attorney cites a statute before the court
the lawyer cites a law before the jury
the jury hears the verdict in the court
the judge gives a verdict and a sentence
`
  .trim()
  .split("\n")
  .map((line) => line.split(" "));

/** Writes GloVe text of `dim` numbers a word, the most frequent word first. */
export function writeWordVectors(path, dim) {
  const totals = new Map();
  for (const word of SENTENCES.flat()) {
    totals.set(word, (totals.get(word) ?? 0) + 1);
  }
  const words = [...totals.keys()].sort((a, b) => totals.get(b) - totals.get(a));
  const place = new Map(words.map((word, i) => [word, i]));
  const counts = words.map(() => new Array(words.length).fill(0));
  for (const sentence of SENTENCES) {
    sentence.forEach((a, i) =>
      sentence.forEach((b, j) => {
        if (i !== j) counts[place.get(a)][place.get(b)] += 1;
      }),
    );
  }
  const sums = counts.map((row) => row.reduce((sum, n) => sum + n, 0));
  const all = sums.reduce((sum, n) => sum + n, 0);
  const lines = words.map((word, i) => {
    const row = new Array(dim).fill(0);
    counts[i].forEach((n, j) => {
      const ratio = (n * all) / (sums[i] * sums[j]);
      if (j < dim && ratio > 1) row[j] = Number(Math.log(ratio).toFixed(5));
    });
    return `${word} ${row.join(" ")}`;
  });
  writeFileSync(path, `${lines.join("\n")}\n`);
}
