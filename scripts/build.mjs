// Builds the native addon: `node scripts/build.mjs [--debug] [--sanitize] [--force] [--verbose]`.
//
// Needs a C++20 compiler, make and python3, and no network: the headers are those of the running Node. From an installed
// package, `node node_modules/tinymls/scripts/build.mjs` does the same; node-gyp is then npm's own, and node-addon-api
// comes from the registry when it is not installed.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { headers } from "./headers.mjs";
import { fingerprint } from "./sources.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const require = createRequire(import.meta.url);
const flags = new Set(process.argv.slice(2));
const configuration = flags.has("--sanitize") ? "Sanitize" : flags.has("--debug") ? "Debug" : "Release";
const built = join(root, "build", configuration, "tinymls.node");
const stamp = join(root, "build", `${configuration}.stamp`);
const current = fingerprint("scripts/build.mjs", configuration);

if (!flags.has("--force") && existsSync(built) && read(stamp) === current) process.exit(0);
rmSync(stamp, { force: true });
build();
writeFileSync(stamp, current);

function build() {
  const addonApi = installed("node-addon-api", "node-addon-api/package.json");
  const nodeGyp = installed("node-gyp", "node-gyp/bin/node-gyp.js");
  const environment = {
    ...process.env,
    // binding.gyp runs `node` and requires node-addon-api: this Node, and that one.
    PATH: `${dirname(process.execPath)}${process.platform === "win32" ? ";" : ":"}${process.env.PATH}`,
    NODE_PATH: dirname(dirname(addonApi)),
  };
  const nodedir = headers();
  const node = nodedir === undefined ? [] : [`--nodedir=${nodedir}`];
  const quiet = flags.has("--verbose") ? [] : ["--silent"];
  const gyp = (...args) => run(process.execPath, [nodeGyp, ...args, ...node, ...quiet], environment);

  gyp("configure", configuration === "Debug" ? "--debug" : "--release");
  if (configuration === "Sanitize") {
    run("make", ["-s", "-C", "build", "BUILDTYPE=Sanitize", "-j2"], environment);
    // Laid out as node-gyp-build looks for it: TINYMLS_PREBUILD=build/sanitize loads this one.
    const folder = join(root, "build", "sanitize", "build", "Release");
    mkdirSync(folder, { recursive: true });
    copyFileSync(built, join(folder, "tinymls.node"));
  } else {
    gyp("build", configuration === "Debug" ? "--debug" : "--release", "-j", process.env.JOBS ?? "2");
  }
}

// A build tool as `file` inside it: installed here, npm's own copy, or fetched into build/tools at the version that
// package.json names.
function installed(name, file) {
  const tools = join(root, "build", "tools");
  const search = [root, tools, dirname(process.env.npm_execpath ?? ""), npmFolder()];
  for (const folder of search) {
    try {
      return require.resolve(file, { paths: [folder] });
    } catch {
      // the next folder
    }
  }
  const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  mkdirSync(tools, { recursive: true });
  writeFileSync(join(tools, "package.json"), "{}");
  const shell = process.platform === "win32"; // npm is a script there
  run("npm", ["install", "--no-save", "--silent", `${name}@${devDependencies[name]}`], process.env, tools, shell);
  return require.resolve(file, { paths: [tools] });
}

function npmFolder() {
  const bin = dirname(process.execPath);
  const folders = [join(bin, "..", "lib", "node_modules", "npm"), join(bin, "node_modules", "npm")];
  return folders.find((folder) => existsSync(folder)) ?? root;
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function run(command, args, env, cwd = root, shell = false) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    shell,
    stdio: flags.has("--verbose") ? "inherit" : "pipe",
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ""}${stderr ?? ""}`);
  console.error(`tinymls: ${command} ${args.join(" ")} failed${error ? `: ${error.message}` : ""}`);
  process.exit(1);
}
