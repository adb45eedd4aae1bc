// make_csv.mjs IN.json OUT.csv: an array of flat objects as CSV (RFC 4180).
// Columns in order of first appearance; null or absent is an empty cell.
import { readFileSync, writeFileSync } from "node:fs";

const [source, target] = process.argv.slice(2);
if (!source || !target) {
  console.error("usage: node make_csv.mjs IN.json OUT.csv");
  process.exit(2);
}

const rows = JSON.parse(readFileSync(source, "utf8"));
const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];

function cell(value) {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const lines = [
  columns.map(cell).join(","),
  ...rows.map((row) => columns.map((name) => cell(row[name])).join(",")),
];
writeFileSync(target, lines.join("\n") + "\n");
