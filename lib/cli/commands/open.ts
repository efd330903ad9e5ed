import { pipeline } from "node:stream/promises";
import { TinyMlsError } from "../../errors.js";
import type { Context } from "../../context/index.js";
import { openDestination } from "../destination.js";
import { CliError } from "../exit.js";
import { keyToOpen } from "../keys.js";
import { parse, single } from "../options.js";
import { Meter } from "../progress.js";
import { damaged, decodeHeader, FileKeys, headerLength, type Header } from "../sealed-file.js";
import { openSource, takeFirst, type Source } from "../source.js";

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
  const header = decodeHeader(await takeFirst(source.stream, headerLength), source.name);
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
  await openStream(source, header, context, values.output, values.progress ?? process.stderr.isTTY);
}

async function openStream(source: Source, header: Header, context: Context, output: string | undefined, show: boolean) {
  const destination = await openDestination(output);
  try {
    const meter = new Meter(source.size === undefined ? undefined : source.size - headerLength, show);
    const opening = context.createDecryptStream({ maxChunkSize: header.chunkSize, aad: header.octets });
    await pipeline(source.stream, meter, opening, destination.stream, { end: destination.end });
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
