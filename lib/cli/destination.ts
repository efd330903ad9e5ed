import { randomBytes } from "node:crypto";
import { chmod, open, realpath, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Writable } from "node:stream";
import { isatty } from "node:tty";
import { CliError } from "./exit.js";
import { letGo, removeAtExit } from "./temporary.js";

/** Where output goes. Nothing is seen at the named place until `commit`, unless it is a pipe or a device. */
export interface Destination {
  readonly stream: Writable;
  /** Whether the stream is ended when the source ends. */
  readonly end: boolean;
  commit(): Promise<void>;
  discard(): Promise<void>;
}

const nothing = (): Promise<void> => Promise.resolve();

/** @param path undefined or "-" for standard output */
export async function openDestination(path: string | undefined): Promise<Destination> {
  if (path === undefined || path === "-") {
    return { stream: process.stdout, end: false, commit: nothing, discard: nothing };
  }
  const existing = await stat(path).catch(absent);
  if (existing?.isDirectory()) throw new CliError("environment", `${path} is a folder`, "name a file");
  if (existing !== undefined && !existing.isFile()) {
    const stream = (await open(path, "w")).createWriteStream();
    return { stream, end: true, commit: nothing, discard: nothing };
  }
  // A link stays a link: what it points to is replaced.
  return replacement(existing ? await realpath(path) : path, existing?.mode);
}

/** A file beside the destination, which takes its place and its mode when it is complete. */
async function replacement(path: string, mode: number | undefined): Promise<Destination> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.partial`);
  removeAtExit(temporary);
  const file = await open(temporary, "wx");
  const stream = file.createWriteStream({ flush: true });
  return {
    stream,
    end: true,
    async commit() {
      if (mode !== undefined) await chmod(temporary, mode & 0o7777);
      await rename(temporary, path);
      letGo(temporary);
    },
    async discard() {
      stream.destroy();
      await unlink(temporary).catch(absent);
      letGo(temporary);
    },
  };
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

/** Sealed data is of no use on a terminal. */
export function refuseTerminal(path: string | undefined): void {
  if ((path === undefined || path === "-") && isatty(1)) {
    throw new CliError(
      "usage",
      "sealed data does not belong on a terminal",
      "name a file with -o, or redirect the output",
    );
  }
}
