// A jest reporter: once all tests of test/adversarial/mls have run, every rule must have refused a forged input in every cipher
// suite. The tests note each such refusal when they have seen it (test/forge/proof.ts); titles and sources prove nothing here.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run.mjs";

// Of this run alone: others may run beside it.
const record = join(root, ".test-build", `refusals-${process.pid}.txt`);
const folder = join(root, ".test-build", "test", "adversarial", "mls");

export default class RefusalRecord {
  #partial;
  #error;

  constructor({ testNamePattern }) {
    this.#partial = Boolean(testNamePattern);
    process.env.TINYMLS_REFUSAL_RECORD = record;
  }

  onRunStart() {
    rmSync(record, { force: true });
  }

  async onRunComplete(_, { testResults }) {
    const ran = new Set(testResults.map(({ testFilePath }) => testFilePath));
    const wanted = readdirSync(folder).filter((name) => name.endsWith(".test.js"));
    if (this.#partial || !wanted.every((name) => ran.has(join(folder, name)))) return;
    const { rules } = await import("../dist/mls/rules.js");
    const { cipherSuites } = await import("../dist/mls/suite/registry.js");
    const proven = new Set(existsSync(record) ? readFileSync(record, "utf8").split("\n") : []);
    rmSync(record, { force: true });
    const missing = rules.flatMap(({ id }) => {
      const names = [...cipherSuites].filter(([suite]) => !proven.has(`${id} ${suite}`)).map(([, { name }]) => name);
      return names.length === 0 ? [] : [`${id}: ${names.join(", ")}`];
    });
    console.log(`\n${rules.length} rules in ${cipherSuites.size} suites: ${missing.length} rules not seen to refuse`);
    for (const line of missing) console.log(`  ${line}`);
    if (missing.length > 0) this.#error = new Error("a rule was not seen to refuse a member's input in every suite");
  }

  getLastError() {
    return this.#error;
  }
}
