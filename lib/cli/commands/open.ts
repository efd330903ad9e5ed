import { TinyMlsError } from "../../errors.js";
import { CliError } from "../exit.js";
import { keyToOpen } from "../keys.js";
import { parse, single } from "../options.js";
import { damaged, decodeHeader, FileKeys, headerLength, type Header } from "../sealed-file.js";
import { splitAt, type Source } from "../source.js";
import { keyChoice, transfer, transferOptions, withSource, type TransferValues } from "../transfer.js";

/** `tinymls open [FILE] [-o OUT]` */
export async function run(args: string[]): Promise<void> {
  const { values, positionals } = parse(args, transferOptions);
  await withSource(single(positionals, "file"), (source) => open(source, values));
}

async function open(source: Source, values: TransferValues): Promise<void> {
  const { first, rest } = await splitAt(source.stream, headerLength);
  const header = decodeHeader(first, source.name);
  const key = await keyToOpen(keyChoice(values), header, source.name);
  using keys = new FileKeys(header, key);
  key.dispose();
  if (!keys.verifyHeader()) throw wrongKey(header, source);
  using context = keys.context();
  await transfer(values, {
    from: rest,
    total: source.size === undefined ? undefined : source.size - headerLength,
    through: context.createDecryptStream({ maxChunkSize: header.chunkSize, aad: header.octets }),
    explain: (error, removed) => (error instanceof TinyMlsError ? streamError(error, source, removed) : error),
  });
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
