import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** Real data: a file, or its beginning. */
export interface InputFile {
  readonly path: string;
  readonly name: string;
  readonly size: number;
}

const root = fileURLToPath(new URL("../../../", import.meta.url));
const left = new Set(["node_modules", ".git", "build", ".test-build", "coverage", "prebuilds", "vectors"]);
const mostFiles = 400;
const largestFile = 4 * 1024 * 1024;
/** Of the Node program itself, a binary of some 100 MB: so much, from its start. */
const programSize = 16 * 1024 * 1024;

/** The project's own files, the beginning of the Node program, and a file of the user's. */
export function inputFiles(own: string | undefined): InputFile[] {
  const program = {
    path: process.execPath,
    name: "node",
    size: Math.min(statSync(process.execPath).size, programSize),
  };
  const named = own === undefined ? [] : [{ path: own, name: own, size: statSync(own).size }];
  return [...named, program, ...filesUnder(root).slice(0, mostFiles)];
}

function filesUnder(folder: string): InputFile[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return left.has(entry.name) ? [] : filesUnder(path);
    if (!entry.isFile()) return [];
    const { size } = statSync(path);
    return size > largestFile ? [] : [{ path, name: relative(root, path), size }];
  });
}

/** The first octets of the largest input. */
export function sample(input: readonly InputFile[], length: number): Buffer {
  const largest = input.reduce((a, b) => (b.size > a.size ? b : a));
  const octets = Buffer.alloc(Math.min(length, largest.size));
  const fd = openSync(largest.path, "r");
  try {
    return octets.subarray(0, readSync(fd, octets, 0, octets.length, 0));
  } finally {
    closeSync(fd);
  }
}
