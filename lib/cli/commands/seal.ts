import type { ContextSuite } from "../../context/index.js";
import { refuseTerminal } from "../destination.js";
import { CliError } from "../exit.js";
import { keyToSeal } from "../keys.js";
import { parse, single } from "../options.js";
import { FileKeys } from "../sealed-file.js";
import type { Source } from "../source.js";
import { keyChoice, transfer, transferOptions, withSource, type TransferValues } from "../transfer.js";

const suites: Readonly<Record<string, ContextSuite>> = {
  "aes-256-gcm": "AES-256-GCM",
  "aes-128-gcm": "AES-128-GCM",
  "chacha20-poly1305": "CHACHA20-POLY1305",
};

/** `tinymls seal [FILE] [-o OUT]` */
export async function run(args: string[]): Promise<void> {
  const { values, positionals } = parse(args, { ...transferOptions, suite: { type: "string" } });
  const input = single(positionals, "file");
  const suite = suites[(values.suite ?? "aes-256-gcm").toLowerCase()];
  if (suite === undefined) {
    throw new CliError("usage", `there is no suite ${values.suite}`, `choose one of ${Object.keys(suites).join(", ")}`);
  }
  refuseTerminal(values.output);
  await withSource(input, (source) => seal(source, suite, values));
}

async function seal(source: Source, suite: ContextSuite, values: TransferValues): Promise<void> {
  const { header, key } = await keyToSeal(keyChoice(values), suite);
  using keys = new FileKeys(header, key);
  key.dispose();
  keys.signHeader();
  using context = keys.context();
  await transfer(values, {
    from: source.stream as AsyncIterable<Buffer>,
    total: source.size,
    through: context.createEncryptStream({ chunkSize: header.chunkSize, aad: header.octets }),
    head: header.octets,
  });
}
