import { isDeepStrictEqual } from "node:util";
import { TinyMlsError } from "tinymls";
import { decode, describe, encode, toJSON, type Codec } from "tinymls/messages";
import { generate } from "../codec/generate.js";
import { readVectors, vectorFolder } from "../kat/vector-files.js";
import { everyStruct } from "../objects/every-struct.js";
import { readCorpus } from "./corpus.js";
import type { Target } from "./engine.js";

const slow = 1000;

/** The first octet of an input chooses the struct, the rest is what is decoded. */
const codecOf = (input: Uint8Array) => everyStruct[(input[0] ?? 0) % everyStruct.length]![1];
const chooser = (name: string) => everyStruct.findIndex(([known]) => known === name);

const vectorStructs: Readonly<Record<string, string>> = {
  ratchet_tree: "RatchetTree",
  group_secrets: "GroupSecrets",
  commit: "Commit",
  add_proposal: "Add",
  pre_shared_key_proposal: "PreSharedKey",
};

function vectorSeeds(): Uint8Array[] {
  if (vectorFolder() === undefined) return [];
  const entries = readVectors<Record<string, string>[]>("mls/messages.json").slice(0, 10);
  return entries.flatMap((entry) =>
    Object.entries(entry).map(([name, hex]) =>
      Buffer.concat([Buffer.of(chooser(vectorStructs[name] ?? "MLSMessage")), Buffer.from(hex, "hex")]),
    ),
  );
}

/** What a value consists of, without its octets and numbers: the variants, which optionals are there, how long lists are. */
function outline(json: unknown, path: string, out: Set<string>): void {
  if (Array.isArray(json)) {
    out.add(`${path}[${Math.min(json.length, 3)}]`);
    json.forEach((item) => outline(item, `${path}[]`, out));
  } else if (typeof json === "object" && json !== null) {
    for (const [key, value] of Object.entries(json)) outline(value, `${path}.${key}`, out);
  } else {
    out.add(typeof json === "string" && !/^[0-9a-f]*$/.test(json) ? `${path}=${json}` : path);
  }
}

/** Decodes as one struct: malformed, or a value that is written back octet for octet, shown, and equal when read again. */
function check(codec: Codec<unknown>, bytes: Uint8Array): string[] {
  let value: unknown;
  try {
    value = decode(codec, bytes);
  } catch (error) {
    if (!(error instanceof TinyMlsError) || error.code !== "malformed") throw error;
    if (error.offset! > bytes.length)
      throw new Error(`offset ${error.offset} in ${bytes.length} octets`, { cause: error });
    return [`${error.path?.replace(/\[\d+\]/g, "[]")}: ${error.message.replace(/^.*?: /, "").replace(/\d+/g, "n")}`];
  }
  if (!encode(codec, value).equals(bytes)) throw new Error("written back differently");
  if (!isDeepStrictEqual(decode(codec, bytes), value)) throw new Error("read differently the second time");
  const features = new Set<string>();
  outline(toJSON(codec, value), codec.name, features);
  return [...features];
}

function checkDescription(bytes: Uint8Array): void {
  try {
    describe(bytes);
  } catch (error) {
    if (!(error instanceof TinyMlsError) || error.code !== "malformed") throw error;
  }
}

/** Decoding of every wire struct, and `describe`. */
export const decodeTarget: Target = {
  name: "decode",
  seeds: () => [...readCorpus("decode"), ...vectorSeeds()],
  run(input) {
    const started = performance.now();
    const bytes = input.subarray(1);
    const features = check(codecOf(input), bytes);
    checkDescription(bytes);
    if (performance.now() - started > slow) throw new Error(`took longer than ${slow} ms`);
    return features;
  },
  mutate(_input, dice) {
    const choice = dice.nat(everyStruct.length - 1);
    const codec = everyStruct[choice]![1];
    return Buffer.concat([Buffer.of(choice), encode(codec, generate(codec, dice))]);
  },
};
