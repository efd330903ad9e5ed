// The headers beside the running node, when they are of its version: a build with them needs no network.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What node-gyp calls nodedir; undefined leaves the search, and the download, to node-gyp. */
export function headers() {
  const candidate = join(dirname(process.execPath), "..");
  const folder = join(candidate, "include", "node");
  if (!existsSync(join(folder, "node_api.h")) || !existsSync(join(folder, "node_version.h"))) return undefined;
  const version = readFileSync(join(folder, "node_version.h"), "utf8");
  const [major, minor, patch] = process.versions.node.split(".");
  const defines = { MAJOR: major, MINOR: minor, PATCH: patch };
  const same = Object.entries(defines).every(([part, value]) =>
    new RegExp(`^#define NODE_${part}_VERSION ${value}\\r?$`, "m").test(version),
  );
  return same ? candidate : undefined;
}
