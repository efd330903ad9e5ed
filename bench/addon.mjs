// The native half of the bench: the floor, and the core measured without JavaScript. Never shipped; `build()` makes it.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { headers } from "../scripts/headers.mjs";
import { root } from "../scripts/run.mjs";
import { fingerprint } from "../scripts/sources.mjs";

const require = createRequire(import.meta.url);
const source = join(root, "bench", "native");
const folder = join(root, "build", "bench");
const built = join(folder, "bench.node");

/** Compiles it with the running Node's headers, unless it is up to date. It loads in every Node line. */
export function build() {
  const stamp = join(folder, "stamp");
  const current = digest();
  if (existsSync(built) && existsSync(stamp) && readFileSync(stamp, "utf8") === current) return;
  const nodedir = headers();
  const args = [require.resolve("node-gyp/bin/node-gyp.js"), "rebuild", "--silent", "-j", process.env.JOBS ?? "2"];
  if (nodedir !== undefined) args.push(`--nodedir=${nodedir}`);
  const separator = process.platform === "win32" ? ";" : ":";
  const env = { ...process.env, PATH: `${dirname(process.execPath)}${separator}${process.env.PATH}` };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: source, env, encoding: "utf8" });
  if (status !== 0) throw new Error(`the addon of the bench does not build:\n${stdout}${stderr}`);
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(source, "build", "Release", "bench.node"), built);
  writeFileSync(stamp, current);
}

function digest() {
  const hash = createHash("sha256").update(fingerprint("bench/addon.mjs", "bench"));
  for (const file of readdirSync(source).filter((name) => /\.(cc|h|gyp)$/.test(name))) {
    hash.update(`\0${file}\0`).update(readFileSync(join(source, file)));
  }
  return hash.digest("hex");
}

let loaded;

/** The functions of bench/native/module.cc. */
export function addon() {
  return (loaded ??= require(built));
}

/** What a function of the addon answered; a failure ends the bench. */
export function sound(answer) {
  if (answer < 0) throw new Error("the addon of the bench failed");
  return answer;
}
