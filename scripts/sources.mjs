// The C++ sources of the addon, one a line, for binding.gyp: the folders are the list.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

const inFolders = (extension) =>
  ["native/core", "native/bind"].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((file) => file.endsWith(extension))
      .sort()
      .map((file) => `${folder}/${file}`),
  );

export const sources = inFolders(".cc");

/**
 * What a build depends on: the sources, `script` that builds them, this Node and compiler, and the `kind` of build. Content,
 * not times: a fresh clone or a switched branch with the same sources is up to date.
 */
export function fingerprint(script, kind) {
  const digest = createHash("sha256").update(`${process.version} ${process.arch} ${process.env.CXX} ${kind}`);
  for (const file of ["binding.gyp", script, ...sources, ...inFolders(".h")]) {
    digest.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  }
  return digest.digest("hex");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(sources.join("\n"));
