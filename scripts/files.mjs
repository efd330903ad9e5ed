// The files of the tree: what git tracks or would, so that build output never counts.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run.mjs";

export function treeFiles() {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  const files = [...new Set(listed.split("\0"))].filter((path) => path && existsSync(join(root, path)));
  return files.sort();
}

/** Sources that clang-format keeps. */
export const nativeSources = () => treeFiles().filter((path) => /\.(cc|c|h)$/.test(path));
