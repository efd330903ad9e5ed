import { pipeline } from "node:stream/promises";
import { TinyMlsError } from "../../errors.js";
import { openDestination } from "../destination.js";
import { CliError } from "../exit.js";
import { keyToOpen } from "../keys.js";
import { parse, single } from "../options.js";
import { Meter } from "../progress.js";
import { damaged, decodeHeader, FileKeys, headerLength, type Header } from "../sealed-file.js";
import { openSource, splitAt, type Source } from "../source.js";

interface Values {
  readonly output?: string;
  readonly "key-file"?: string;
  readonly "passphrase-file"?: string;
  readonly passphrase?: boolean;
  readonly progress?: boolean;
}

/** `tinymls open [FILE] [-o OUT]` */
export async function run(args: string[]): Promise<void> {
  const { values, positionals } = parse(args, {
    output: { type: "string", short: "o" },
    "key-file": { type: "string", short: "k" },
    "passphrase-file": { type: "string" },
    passphrase: { type: "boolean", short: "p" },
    progress: { type: "boolean" },
  });
  const source = await openSource(single(positionals, "file"));
  try {
    await open(source, values);
  } finally {
    source.stream.destroy(); // who writes to it need not wait for us
  }
}

async function open(source: Source, values: Values): Promise<void> {
  const { first, rest } = await splitAt(source.stream, headerLength);
  const header = decodeHeader(first, source.name);
  const choice = {
    keyFile: values["key-file"],
    passphraseFile: values["passphrase-file"],
    passphrase: values.passphrase ?? false,
  };
  const key = await keyToOpen(choice, header, source.name);
  using keys = new FileKeys(header, key);
  key.dispose();
  if (!keys.verifyHeader()) throw wrongKey(header, source);
  using context = keys.context();
  const destination = await openDestination(values.output);
  try {
    const total = source.size === undefined ? undefined : source.size - headerLength;
    const meter = new Meter(total, values.progress ?? process.stderr.isTTY);
    const opening = context.createDecryptStream({ maxChunkSize: header.chunkSize, aad: header.octets });
    await pipeline(rest, meter, opening, destination.stream, { end: destination.end });
    await destination.commit();
  } catch (error) {
    await destination.discard();
    throw error instanceof TinyMlsError ? streamError(error, source, destination.end) : error;
  }
}

function wrongKey(header: Header, { name }: Source): CliError {
  if ("id" in header.key) return damaged(name, "its header was changed");
  const what = `the passphrase does not open ${name}, or its header was changed`;
  return new CliError("failed", what, "give the passphrase with which it was sealed");
}

/** What is wrong with the chunks; what was written to a pipe before cannot be unsaid. */
function streamError(error: TinyMlsError, { name }: Source, removed: boolean): CliError {
  const why =
    error.rule === "stream/truncated" ? "it ends before its last chunk" : "a chunk was changed, moved or lost";
  return damaged(name, removed ? `${why}, and nothing was written` : `${why}; discard what was written`);
}
