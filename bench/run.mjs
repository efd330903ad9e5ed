// Runs benches in this process: `node --expose-gc bench/run.mjs context,mls [--quick] [--members 10,1000] [--json FILE] [--publish]`.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { bench } from "./benches.mjs";
import { full, quick } from "./race.mjs";
import { judge, sentence } from "./report/compare.mjs";
import { environment } from "./report/environment.mjs";
import { publish } from "./report/publish.mjs";
import { plain, table } from "./report/table.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean" },
    members: { type: "string" },
    json: { type: "string" },
    publish: { type: "boolean" },
  },
});
const plan = { ...(values.quick ? quick : full), members: values.members?.split(",").map(Number) };
const report = { environment: environment(), results: [] };
const { node, openssl, cpu, processors } = report.environment;
console.log(`\nNode ${node}, OpenSSL ${openssl}, ${cpu}, ${processors} processors\n`);

for (const name of positionals[0].split(",")) {
  const { measures, series, targets } = await bench(name);
  const results = [];
  for (const measure of measures) {
    globalThis.gc?.();
    results.push(...(await measure(plan)));
  }
  report.results.push(...results);
  console.log(`${plain(table({ results }))}\n`);
  if (!values.quick) console.log(`${judge(targets, results).map(sentence).join("\n")}\n`);
  if (values.publish) publish(name, { ...report, results }, series);
}
if (values.json) writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
