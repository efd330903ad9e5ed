// The Node lines of test/matrix/: installed by running this file, listed by `nodes()`.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root, run } from "./run.mjs";

const folder = join(root, "test", "matrix");

/** Each line of the matrix with its binary, and whether that is there and runs on this platform. */
export function nodes() {
  const { optionalDependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return Object.entries(optionalDependencies).map(([name, spec]) => {
    const binary = join(folder, "node_modules", name, "bin", "node");
    return { name, version: spec.split("@").at(-1), binary, present: existsSync(binary) };
  });
}

/** Whether what is installed is what the lock file names. */
function current() {
  return nodes().every(({ name, version, present }) => {
    if (!present) return false;
    return JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8")).version === version;
  });
}

async function install() {
  if (process.platform !== "linux" || process.arch !== "x64") {
    return console.log(
      `skipped: the Node lines are packages for linux-x64, this is ${process.platform}-${process.arch}`,
    );
  }
  if (current()) return console.log("installed already");
  const { ok } = await run("npm", ["ci", "--ignore-scripts", "--prefer-offline"], { cwd: folder });
  if (!ok) console.log("skipped: the Node lines could not be installed, is the package registry in reach?");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await install();
