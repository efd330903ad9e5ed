import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The built command line, started as a user's shell starts it. */
export const program = resolve("dist/cli/main.js");

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: Buffer;
  stderr: string;
}

export interface Call {
  input?: Uint8Array | string;
  env?: Record<string, string>;
  cwd?: string;
}

export function start(args: readonly string[], { env = {}, cwd }: Call = {}): ChildProcess {
  return spawn(process.execPath, [program, ...args], {
    // A session of its own: no terminal to ask.
    detached: true,
    cwd,
    env: { PATH: process.env["PATH"], HOME: "/nonexistent", ...env },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: 100_000,
    killSignal: "SIGKILL",
  });
}

export async function ended(child: ChildProcess, input?: Uint8Array | string): Promise<Ended> {
  const stdout: Buffer[] = [];
  let stderr = "";
  child.stdout!.on("data", (part: Buffer) => stdout.push(part));
  child.stderr!.setEncoding("utf8").on("data", (part: string) => (stderr += part));
  child.stdin!.on("error", () => undefined); // it need not read all of its input
  if (input !== undefined) child.stdin!.end(input);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((done) =>
    child.on("close", (...ending) => done(ending)),
  );
  return { code, signal, stdout: Buffer.concat(stdout), stderr };
}

/** Runs the command line to its end. */
export function tinymls(args: readonly string[], call: Call = {}): Promise<Ended> {
  return ended(start(args, call), call.input ?? "");
}

/** A folder of its own for each test file, removed by `clean`. */
export function folder(): { path: (name: string) => string; clean: () => void } {
  const base = mkdtempSync(join(tmpdir(), "tinymls-cli-"));
  return { path: (name) => join(base, name), clean: () => rmSync(base, { recursive: true, force: true }) };
}

/** One line that says what happened and what to do. */
export const oneLine = /^tinymls: [^\n]+: [^\n]+\n$/;
