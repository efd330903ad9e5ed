// What `seal` and `open` have in common: a file or pipe in, another out, a key, and progress.
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { openDestination } from "./destination.js";
import type { KeyChoice } from "./keys.js";
import { Meter } from "./progress.js";
import { openSource, type Source } from "./source.js";

export const transferOptions = {
  output: { type: "string", short: "o" },
  "key-file": { type: "string", short: "k" },
  "passphrase-file": { type: "string" },
  passphrase: { type: "boolean", short: "p" },
  progress: { type: "boolean" },
} as const;

export interface TransferValues {
  readonly output?: string;
  readonly "key-file"?: string;
  readonly "passphrase-file"?: string;
  readonly passphrase?: boolean;
  readonly progress?: boolean;
}

export function keyChoice(values: TransferValues): KeyChoice {
  return {
    keyFile: values["key-file"],
    passphraseFile: values["passphrase-file"],
    passphrase: values.passphrase ?? false,
  };
}

/** Opens a source for as long as `use` takes; who writes to it need not wait for us any longer. */
export async function withSource(path: string | undefined, use: (source: Source) => Promise<void>): Promise<void> {
  const source = await openSource(path);
  try {
    await use(source);
  } finally {
    source.stream.destroy();
  }
}

export interface Transfer {
  readonly from: AsyncIterable<Buffer>;
  /** Octets of `from`, where they are known. */
  readonly total: number | undefined;
  readonly through: Duplex;
  /** What stands before all that comes through. */
  readonly head?: Uint8Array;
  /** The error to tell instead. `removed`: nothing of the output is left. */
  readonly explain?: (error: unknown, removed: boolean) => unknown;
}

/** Moves all of a source to where the options say; where that fails, a file at that place stays as it was. */
export async function transfer(
  values: TransferValues,
  { from, total, through, head, explain }: Transfer,
): Promise<void> {
  const destination = await openDestination(values.output);
  try {
    if (head !== undefined) destination.stream.write(head);
    const meter = new Meter(total, values.progress ?? process.stderr.isTTY);
    await pipeline(from, meter, through, destination.stream, { end: destination.end });
    await destination.commit();
  } catch (error) {
    await destination.discard();
    throw explain === undefined ? error : explain(error, destination.end);
  }
}
