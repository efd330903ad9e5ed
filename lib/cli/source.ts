import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { CliError } from "./exit.js";

/** Where input comes from. */
export interface Source {
  /** For messages. */
  readonly name: string;
  readonly stream: Readable;
  /** Octets, where they are known beforehand. */
  readonly size: number | undefined;
}

/** Large reads, so that the calls into the kernel weigh little. */
const readSize = 256 * 1024;

/** @param path undefined or "-" for standard input */
export async function openSource(path: string | undefined): Promise<Source> {
  if (path === undefined || path === "-") return { name: "standard input", stream: process.stdin, size: undefined };
  const file = await open(path);
  const about = await file.stat();
  if (about.isDirectory()) {
    await file.close();
    throw new CliError("environment", `${path} is a folder`, "name a file, or pipe an archive of it (tar)");
  }
  const stream = file.createReadStream({ highWaterMark: readSize });
  return { name: path, stream, size: about.isFile() ? about.size : undefined };
}

/** The first octets of a stream, fewer where it ends before, and what follows them. */
export async function splitAt(
  stream: Readable,
  length: number,
): Promise<{ first: Buffer; rest: AsyncIterable<Buffer> }> {
  const parts = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let read: Buffer = Buffer.alloc(0);
  while (read.length < length) {
    const next = await parts.next();
    if (next.done === true) break;
    read = Buffer.concat([read, next.value]);
  }
  return { first: read.subarray(0, length), rest: following(read.subarray(length), parts) };
}

async function* following(begun: Buffer, parts: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (begun.length > 0) yield begun;
  yield* { [Symbol.asyncIterator]: () => parts };
}
