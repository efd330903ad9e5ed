/**
 * The long run: `npm run fuzz:js -- --target decode --seconds 600 [--seed N] [--save] [--replay HEX]`.
 * Ends with 1 and prints the input in hex when one was not handled as it must be. `--save` keeps what reached something new.
 */
import { parseArgs } from "node:util";
import { readCorpus, writeCorpus } from "./corpus.js";
import { BlockCoverage } from "./coverage.js";
import { fuzz, minimize, type Report, type Target } from "./engine.js";
import { targets } from "./targets.js";

/** Inputs longer than this stay out of the repository. */
const longestKept = 200;

function targetNamed(name: string): Target {
  const target = targets.find((known) => known.name === name);
  if (target) return target;
  throw new Error(`no target ${name}: ${targets.map((known) => known.name).join(", ")}`);
}

function show(name: string, report: Report, coverage: BlockCoverage): void {
  const { executions, features, corpus } = report;
  console.log(
    `${name}: ${executions} inputs, ${features} features, ${coverage.functions} functions, ${corpus.length} kept`,
  );
  if (!report.finding) return;
  console.error(report.finding.error);
  console.error(`--target ${name} --replay ${Buffer.from(report.finding.input).toString("hex")}`);
  process.exitCode = 1;
}

const { values } = parseArgs({
  options: {
    target: { type: "string", default: "decode" },
    seconds: { type: "string", default: "60" },
    seed: { type: "string" },
    save: { type: "boolean", default: false },
    replay: { type: "string" },
  },
});

const target = targetNamed(values.target);
if (values.replay !== undefined) {
  console.log(await target.run(Buffer.from(values.replay, "hex")));
} else {
  const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
  console.log(`seed ${seed}`);
  const coverage = new BlockCoverage();
  const report = await fuzz(target, { seed, seconds: Number(values.seconds), coverage });
  show(target.name, report, coverage);
  coverage.close();
  if (values.save && !report.finding) {
    const short = report.corpus.filter((input) => input.length <= longestKept);
    writeCorpus(target.name, await minimize(target, [...readCorpus(target.name), ...short]));
  }
}
