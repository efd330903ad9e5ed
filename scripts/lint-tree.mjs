// Checks of the tree as a whole that no linter of one language makes. Prints each finding, exits 1 if there is one.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { layers } from "../eslint.layers.js";
import { treeFiles } from "./files.mjs";
import { root } from "./run.mjs";

const maxLines = 400;
const source = /\.(ts|js|mjs|cjs|cc|h)$/;
const binary = /\.(png|gif|jpg|ico|bin|gz|zip)$/;

const patterns = [
  { name: "machine path", pattern: /(?<![\w.~$}*-])\/(work|farm|root|home|tmp)\/[A-Za-z.]/ },
  { name: "registry host", pattern: /registry\.(npmjs|yarnpkg|npmmirror)\.|\/\/[\w.-]*(artifactory|nexus|verdaccio)/ },
  { name: "address in a lock file", pattern: /"resolved": *"http/, files: /\.json$/ },
  // Only what this machine lacks may be skipped (vectors, Node lines, algorithms of a newer OpenSSL), and only with the
  // command that brings it or the reason in its name.
  {
    name: "skipped or focused test",
    pattern: /\b(test|it|describe)\.(skip|only|todo)\b(?!\(`.*\$\{(\w+Command|reason)\})/,
    files: source,
  },
  { name: "unfinished work", pattern: /\b(TODO|FIXME|XXX)\b/, files: source },
];

/** The findings of one file, as `path:line: what`. */
export function lintFile(path, text) {
  const lines = text.split("\n");
  const found = [];
  if (source.test(path) && lines.length - 1 > maxLines) {
    found.push(`${path}: ${lines.length - 1} lines, at most ${maxLines}`);
  }
  for (const { name, pattern, files } of patterns) {
    if (files && !files.test(path)) continue;
    lines.forEach((line, index) => {
      if (pattern.test(line)) found.push(`${path}:${index + 1}: ${name}`);
    });
  }
  return found;
}

/** Folders of lib/ that the order of layers does not know, so that no rule holds them. */
function unplaced(files) {
  const folders = files.flatMap((path) => /^lib\/((?:mls\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  const unknown = [...new Set(folders)].filter((folder) => !layers.includes(folder));
  return unknown.map((folder) => `lib/${folder}: not in the layers of eslint.layers.js`);
}

/** Packages that a lock file names and doesn't hold: `npm ci` refuses it. npm drops those that a registry has not (yet). */
export function absentFromLock(path, text) {
  const packages = Object.entries(JSON.parse(text).packages);
  const held = new Set(packages.map(([place]) => place.split("node_modules/").at(-1)));
  const named = packages.flatMap(([, entry]) => Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }));
  const absent = new Set(named.filter((name) => !held.has(name)));
  return [...absent].map((name) => `${path}: ${name} is named and not there`);
}

function main() {
  // This file spells the patterns out.
  const files = treeFiles().filter((path) => !binary.test(path) && path !== "scripts/lint-tree.mjs");
  const found = files.flatMap((path) => lintFile(path, readFileSync(join(root, path), "utf8")));
  found.push(...unplaced(files));
  for (const path of files.filter((file) => /(^|\/)package-lock\.json$/.test(file))) {
    found.push(...absentFromLock(path, readFileSync(join(root, path), "utf8")));
  }
  for (const line of found) console.log(line);
  if (found.length > 0) process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) main();
