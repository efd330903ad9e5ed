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

/** The first octets of a stream, fewer where it ends before; the rest stays in it. */
export async function takeFirst(stream: Readable, length: number): Promise<Buffer> {
  for (;;) {
    const octets = stream.read(length) as Buffer | null;
    if (octets !== null) return octets;
    if (stream.readableEnded) return Buffer.alloc(0);
    await readable(stream);
  }
}

function readable(stream: Readable): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      stream.off("readable", onReadable).off("end", onReadable).off("error", settle);
      if (error) reject(error);
      else resolve();
    };
    const onReadable = () => settle();
    stream.on("readable", onReadable).on("end", onReadable).on("error", settle);
  });
}
