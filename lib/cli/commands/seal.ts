import { pipeline } from "node:stream/promises";
import type { ContextSuite } from "../../context/index.js";
import { openDestination, refuseTerminal } from "../destination.js";
import { CliError } from "../exit.js";
import { keyToSeal } from "../keys.js";
import { parse, single } from "../options.js";
import { Meter } from "../progress.js";
import { FileKeys } from "../sealed-file.js";
import { openSource, type Source } from "../source.js";

const suites: Readonly<Record<string, ContextSuite>> = {
  "aes-256-gcm": "AES-256-GCM",
  "aes-128-gcm": "AES-128-GCM",
  "chacha20-poly1305": "CHACHA20-POLY1305",
};

interface Values {
  readonly output?: string;
  readonly "key-file"?: string;
  readonly "passphrase-file"?: string;
  readonly passphrase?: boolean;
  readonly progress?: boolean;
}

/** `tinymls seal [FILE] [-o OUT]` */
export async function run(args: string[]): Promise<void> {
  const { values, positionals } = parse(args, {
    output: { type: "string", short: "o" },
    "key-file": { type: "string", short: "k" },
    "passphrase-file": { type: "string" },
    passphrase: { type: "boolean", short: "p" },
    suite: { type: "string" },
    progress: { type: "boolean" },
  });
  const input = single(positionals, "file");
  const suite = suites[(values.suite ?? "aes-256-gcm").toLowerCase()];
  if (suite === undefined) {
    throw new CliError("usage", `there is no suite ${values.suite}`, `choose one of ${Object.keys(suites).join(", ")}`);
  }
  refuseTerminal(values.output);

  const source = await openSource(input);
  try {
    await seal(source, suite, values);
  } finally {
    source.stream.destroy(); // who writes to it need not wait for us
  }
}

async function seal(source: Source, suite: ContextSuite, values: Values): Promise<void> {
  const choice = {
    keyFile: values["key-file"],
    passphraseFile: values["passphrase-file"],
    passphrase: values.passphrase ?? false,
  };
  const { header, key } = await keyToSeal(choice, suite);
  using keys = new FileKeys(header, key);
  key.dispose();
  keys.signHeader();
  using context = keys.context();

  const destination = await openDestination(values.output);
  try {
    destination.stream.write(header.octets);
    const meter = new Meter(source.size, values.progress ?? process.stderr.isTTY);
    const sealing = context.createEncryptStream({ chunkSize: header.chunkSize, aad: header.octets });
    await pipeline(source.stream, meter, sealing, destination.stream, { end: destination.end });
    await destination.commit();
  } catch (error) {
    await destination.discard();
    throw error;
  }
}
