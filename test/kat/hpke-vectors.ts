import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { vectorFiles, vectorFolder } from "./vectors.js";

/** One entry of an HPKE file, in the names of the JSON files of RFC 9180. Octets are hex. */
export interface HpkeVector {
  readonly mode: number;
  readonly kem_id: number;
  readonly kdf_id: number;
  readonly aead_id: number;
  readonly info: string;
  readonly ikmR: string;
  readonly skRm: string;
  readonly pkRm: string;
  readonly enc: string;
  readonly ikmE?: string;
  /** The text file's: ikmE, or the ephemeral private key itself on X25519. */
  readonly sender_seed?: string;
  readonly skSm?: string;
  readonly pkSm?: string;
  readonly psk?: string;
  readonly psk_id?: string;
  readonly shared_secret?: string;
  readonly encryptions: readonly { sequence?: number; aad: string; pt: string; ct: string }[];
  readonly exports: readonly { exporter_context: string; L: number; exported_value: string }[];
}

/** The entries of every file of the folder `hpke`, by its name, and the appendix of RFC 9180 that is kept here. */
export function hpkeVectors(): Map<string, HpkeVector[]> {
  const files = new Map<string, HpkeVector[]>();
  const folder = vectorFolder();
  for (const file of vectorFiles("hpke")) files.set(`hpke/${file}`, read(join(folder!, "hpke", file)));
  const appendix = join(process.cwd(), "test", "kat", "rfc9180.json");
  if (existsSync(appendix)) files.set("rfc9180.json", read(appendix));
  return files;
}

function read(path: string): HpkeVector[] {
  const text = readFileSync(path, "utf8");
  return path.endsWith(".json") ? (JSON.parse(text) as HpkeVector[]) : parseText(text);
}

// Lines of `name = value`. An empty line, or the next `mode`, ends an entry; `# encryptions[n]` and `# exports[n]` start their parts.
function parseText(text: string): HpkeVector[] {
  const entries: (Record<string, unknown> & { encryptions: object[]; exports: object[] })[] = [];
  let target: Record<string, unknown> = {};
  for (const line of text.split(/\r?\n/)) {
    const entry = entries.at(-1);
    const part = /^# (encryptions|exports)\[\d+\]/.exec(line)?.[1] as "encryptions" | "exports" | undefined;
    const field = /^(\w+) = ?(.*)$/.exec(line);
    if (part) entry?.[part].push((target = {}));
    else if (field) {
      const [, name = "", value = ""] = field;
      if (name === "mode") entries.push((target = { encryptions: [], exports: [] } as never));
      target[name] = /^(mode|kem_id|kdf_id|aead_id|L)$/.test(name) ? Number(value) : value;
    } else if (line.trim() !== "" && !line.startsWith("#")) throw new Error(`cannot read: ${line}`);
  }
  return entries as unknown as HpkeVector[];
}
