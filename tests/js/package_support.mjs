// package_support.mjs: the built package as its users get it: packed, and
// installed into an empty folder without a network.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { DIST } from "./wasm_support.mjs";

// A cache of its own, so that nothing else of this machine plays a part.
const npm = (cwd, ...args) =>
  execFileSync("npm", [...args, "--cache", join(cwd, ".npm"), "--offline"], {
    cwd,
    stdio: "pipe",
    encoding: "utf8",
  });

/** Packs the package into `folder`; returns the path of the archive. */
export function pack(folder) {
  npm(dirname(DIST), "pack", "--silent", "--pack-destination", folder);
  const [name] = readdirSync(folder).filter((one) => one.endsWith(".tgz"));
  return join(folder, name);
}

/** An empty project in `folder` that has the archive as its one dependency. */
export function install(archive, folder) {
  mkdirSync(folder, { recursive: true });
  const description = { name: "consumer", private: true };
  writeFileSync(join(folder, "package.json"), JSON.stringify(description));
  npm(folder, "install", "--no-audit", "--no-fund", archive);
  return folder;
}

/** Writes `files` (name: text) into a folder. */
export function write(folder, files) {
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text);
  }
}
