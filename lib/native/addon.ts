import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { isArrayBuffer, isUint8Array } from "node:util/types";
import { TinyMlsError } from "../errors.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const library = load();

/**
 * The functions of the native addon, as the caller declares them. Each answers a number: zero or more for success (a handle, a
 * count, 0 or 1), minus the native fault otherwise, which `check` turns into an error.
 */
export function addon<Calls>(): Calls {
  return library as Calls;
}

/** Bytes that may come from anywhere: results of the package are `Buffer`s. */
export type Bytes = Uint8Array;

/** What the addon takes as bytes: a Uint8Array whose memory is this thread's own and not detached. */
export function isBytes(value: unknown): value is Bytes {
  return isUint8Array(value) && isArrayBuffer(value.buffer) && (value.byteLength > 0 || !isDetached(value.buffer));
}

// `ArrayBuffer.prototype.detached` is of Node 22.
function isDetached(memory: ArrayBuffer): boolean {
  try {
    new Uint8Array(memory);
    return false;
  } catch {
    return true;
  }
}

// Prebuilds of this platform, or what scripts/build.mjs compiled.
function load(): unknown {
  const require = createRequire(import.meta.url);
  try {
    const nodeGypBuild = require("node-gyp-build") as (folder: string) => unknown;
    return nodeGypBuild(root);
  } catch (cause) {
    throw new TinyMlsError("config", explain(), { operation: "load", component: "native", cause });
  }
}

function explain(): string {
  const { platform, arch, version } = process;
  const libc = platform === "linux" ? ` (${libcOfProcess()})` : "";
  const script = relative(process.cwd(), join(root, "scripts", "build.mjs"));
  const command = `node ${script.includes("..") || script.includes(" ") ? JSON.stringify(join(root, "scripts", "build.mjs")) : script}`;
  return (
    `tinymls has no native addon that loads on ${platform}-${arch}${libc} with Node ${version}. ` +
    `Compile it, with a C++20 compiler, make and python3 installed, by: ${command}`
  );
}

function libcOfProcess(): string {
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined ? "musl" : `glibc ${header.glibcVersionRuntime}`;
}
