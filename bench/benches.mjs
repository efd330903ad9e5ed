// Each folder here with an index.mjs is a bench: it exports `measures`, `targets` and, for a chart, `series`.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

export function benches() {
  const folder = import.meta.dirname;
  return readdirSync(folder).filter((name) => existsSync(join(folder, name, "index.mjs")));
}

/** @returns {Promise<{ measures: ((plan) => object[] | Promise<object[]>)[], targets: object[], series?: object }>} */
export function bench(name) {
  return import(`./${name}/index.mjs`);
}
