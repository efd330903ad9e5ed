import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const fetchCommand = "npm run fetch:vectors";

/** The folder of the vectors: `$TINYMLS_VECTORS`, `../shared/vectors` beside the repository, or `test/vectors`. */
export function vectorFolder(): string | undefined {
  const given = process.env["TINYMLS_VECTORS"];
  const candidates = given ? [given] : ["../shared/vectors", "test/vectors"].map((path) => join(process.cwd(), path));
  return candidates.find((path) => existsSync(path));
}

/** One vector file, parsed. `file` is relative to the folder of the vectors: `mls/messages.json`. */
export function readVectors<T>(file: string): T {
  const folder = vectorFolder();
  if (folder === undefined) throw new Error(`no vectors: ${fetchCommand}`);
  return JSON.parse(readFileSync(join(folder, file), "utf8")) as T;
}

/** The files of `subfolder`, sorted; none where there are no vectors. */
export function vectorFiles(subfolder: string): string[] {
  const folder = vectorFolder();
  if (folder === undefined || !existsSync(join(folder, subfolder))) return [];
  return readdirSync(join(folder, subfolder)).sort();
}
