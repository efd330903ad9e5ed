import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const fileOf = (name: string) => join(process.cwd(), "test", "fuzz", "corpus", `${name}.txt`);

/** The kept inputs of a target: one a line, in hex. */
export function readCorpus(name: string): Uint8Array[] {
  const file = fileOf(name);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => Buffer.from(line, "hex"));
}

/** Replaces the kept inputs. */
export function writeCorpus(name: string, inputs: readonly Uint8Array[]): void {
  const lines = inputs.map((input) => Buffer.from(input).toString("hex"));
  writeFileSync(fileOf(name), `${[...new Set(lines)].sort().join("\n")}\n`);
}
