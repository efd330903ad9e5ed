import { pipeline } from "node:stream/promises";
import { describe } from "../../observability/describe/index.js";
import { openDestination } from "../destination.js";
import { CliError } from "../exit.js";
import { octetsOf, treeIn } from "../inspection.js";
import { parse, single } from "../options.js";
import { openSource, type Source } from "../source.js";

const largest = 256 * 1024 * 1024;

/** `tinymls inspect FILE|-` */
export async function run(args: string[]): Promise<void> {
  const { values, positionals } = parse(args, { svg: { type: "string" } });
  const input = single(positionals, "file");
  if (input === undefined) throw new CliError("usage", "no message is named", 'name a file, or "-" for standard input');
  const source = await openSource(input);
  const octets = octetsOf(await readAll(source));
  if (octets.byteLength === 0) throw new CliError("failed", `${source.name} is empty`, "name an MLS message");
  const words = describe(octets);
  if (values.svg !== "-") console.log(words);
  if (values.svg !== undefined) await draw(octets, source, values.svg);
}

async function readAll({ name, stream }: Source): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stream as AsyncIterable<Buffer>) {
    parts.push(part);
    length += part.length;
    if (length > largest) throw new CliError("failed", `${name} is larger than 256 MiB`, "name a single MLS message");
  }
  return Buffer.concat(parts);
}

async function draw(octets: Uint8Array, { name }: Source, path: string): Promise<void> {
  const drawing = treeIn(octets);
  if (drawing === undefined) {
    const what = `${name} holds no ratchet tree that can be read`;
    throw new CliError("failed", what, "name a GroupInfo with the ratchet_tree extension, or a ratchet tree");
  }
  const destination = await openDestination(path);
  try {
    await pipeline([drawing], destination.stream, { end: destination.end });
    await destination.commit();
  } catch (error) {
    await destination.discard();
    throw error;
  }
}
