// Child processes for the scripts beside this file.
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url)).replace(/[\\/]$/, "");

/** Runs a program in the root; `output` collects both streams, which are shown as they come unless `quiet`. */
export function run(program, args, { quiet = false, env = {}, cwd = root, shell = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      shell,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const take = (stream) => (chunk) => {
      output += chunk;
      if (!quiet) stream.write(chunk);
    };
    child.stdout.setEncoding("utf8").on("data", take(process.stdout));
    child.stderr.setEncoding("utf8").on("data", take(process.stderr));
    child.on("error", (error) => resolve({ ok: false, output: `${output}${error.message}\n` }));
    child.on("close", (code, signal) => {
      resolve({ ok: code === 0, output: signal ? `${output}ended by ${signal}\n` : output });
    });
  });
}

/** A tool of node_modules, started by this very Node. */
export const tool = (path, ...args) => [process.execPath, [join(root, "node_modules", path), ...args]];

/** The first of the named programs that PATH holds. */
export function which(...names) {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const found = new Set(folders.flatMap((folder) => list(folder)));
  return names.find((name) => found.has(name) || found.has(`${name}.exe`));
}

function list(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
