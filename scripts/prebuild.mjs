// npm run prebuild: Node-API prebuilds into prebuilds/, for this platform and, where Debian's cross compiler is installed
// (g++-aarch64-linux-gnu), for linux-arm64. `--arch x64,arm64` names them instead. Each binary is checked before it counts.
// `--host`: this platform alone, and nothing to do when the sources are those of the last time; with `--optional` it is no
// failure when this machine has no Node 20 to build with.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { headers } from "./headers.mjs";
import { nodes } from "./matrix.mjs";
import { checkElf } from "./prebuild/check.mjs";
import { root, run, which } from "./run.mjs";
import { fingerprint } from "./sources.mjs";

const prebuildify = promisify(createRequire(import.meta.url)("prebuildify"));
const { platform } = process;
const libc = platform !== "linux" ? undefined : isMusl() ? "musl" : "glibc";
const cross = { arm64: "aarch64-linux-gnu-" };

const { values } = parseArgs({
  options: { arch: { type: "string" }, host: { type: "boolean" }, optional: { type: "boolean" } },
});
const crossed = libc === "glibc" && process.arch === "x64" && which(`${cross.arm64}g++`) ? ["arm64"] : [];
const architectures = values.host ? [process.arch] : (values.arch?.split(",") ?? [process.arch, ...crossed]);

function isMusl() {
  return process.report.getReport().header.glibcVersionRuntime === undefined;
}

/** A copy of the sources to build in, so that the addon under build/Release stays as it is. */
function stage(arch) {
  const folder = join(root, "build", "prebuild", arch);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "scripts"), { recursive: true });
  for (const path of ["binding.gyp", "package.json", "native", "scripts/sources.mjs"]) {
    cpSync(join(root, path), join(folder, path), { recursive: true });
  }
  return folder;
}

async function toolchain(arch, folder) {
  if (platform !== "linux") return {};
  const prefix = arch === process.arch ? "" : cross[arch];
  if (prefix === undefined) throw new Error(`no cross compiler for ${platform}-${arch}`);
  const tools = {
    CC: prefix ? `${prefix}gcc` : (process.env.CC ?? "gcc"),
    CXX: prefix ? `${prefix}g++` : (process.env.CXX ?? "g++"),
    AR: `${prefix}ar`,
    LDFLAGS: "-static-libstdc++ -Wl,--gc-sections",
  };
  if (libc === "musl") return tools;
  const object = join(folder, "glibc-baseline.o");
  const source = join(root, "scripts/prebuild/glibc-baseline.c");
  const { ok } = await run(tools.CC, ["-O2", "-fPIC", "-c", source, "-o", object]);
  if (!ok) throw new Error("the baseline of glibc did not compile");
  const wrapped = [...readFileSync(source, "utf8").matchAll(/^FIRST\((\w+)\);/gm)].map(([, name]) => name);
  tools.LDFLAGS += ` ${object} ${wrapped.map((name) => `-Wl,--wrap=${name}`).join(" ")}`;
  return tools;
}

async function prebuild(arch) {
  const file = join("prebuilds", `${platform}-${arch}`, `tinymls${libc ? `.${libc}` : ""}.node`);
  const stamp = join(root, "build", "prebuild", `${arch}.stamp`);
  const current = fingerprint("scripts/prebuild.mjs", `prebuild ${arch}`);
  const last = existsSync(stamp) && existsSync(join(root, file)) ? readFileSync(stamp, "utf8") : undefined;
  if (values.host && last === current) return console.log(`${file} is up to date`);

  const folder = stage(arch);
  const nodedir = headers();
  Object.assign(process.env, await toolchain(arch, folder), { JOBS: String(availableParallelism()) });
  if (nodedir) process.env.npm_config_nodedir = nodedir;
  await prebuildify({
    targets: [process.versions.node],
    arch,
    cwd: folder,
    out: root,
    napi: true,
    strip: true,
    stripBin: arch === process.arch ? "strip" : `${cross[arch]}strip`,
    tagLibc: libc ?? false,
    libc,
    quiet: !process.env.CI,
    nodeGyp: join(root, "node_modules", ".bin", platform === "win32" ? "node-gyp.cmd" : "node-gyp"),
  });
  rmSync(folder, { recursive: true, force: true });
  console.log(`${file}: ${(statSync(join(root, file)).size / 1024).toFixed(0)} KiB`);
  if (libc) check(file, arch);
  writeFileSync(stamp, current);
}

function check(file, arch) {
  const { faults, facts } = checkElf(join(root, file), { arch, libc });
  console.log(`  ${JSON.stringify(facts)}`);
  if (faults.length === 0) return;
  rmSync(join(root, file));
  throw new Error(`${file} is refused:\n  ${faults.join("\n  ")}`);
}

// A newer OpenSSL's headers would let in a function that Node 20 does not export: the addon must not name one.
const old = nodes().find(({ name, present }) => name === "node20" && present);
if (process.versions.openssl.startsWith("3.0.")) {
  for (const arch of architectures) await prebuild(arch);
} else if (old) {
  const { ok } = await run(old.binary, process.argv.slice(1));
  process.exitCode = ok ? 0 : 1;
} else {
  console.log(`skipped: prebuilds are made with Node 20 and its OpenSSL 3.0, this is Node ${process.version}`);
  process.exitCode = values.optional ? 0 : 1;
}
