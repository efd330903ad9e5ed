// docs/validation.md: each rule that can refuse an input, its section, and the tests that forge what it refuses. A rule has a test
// where its id stands in a test as a text of its own or begins a title. `--check`: fails when the file is out of date or a rule has
// no test. Takes the rules from dist/, so compile first.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { rules } from "../dist/mls/rules.js";
import { demands } from "./receiver-demands.mjs";
import { root } from "./run.mjs";

const page = join(root, "docs", "validation.md");
const received = "adversarial/mls/";
const layers = /^(tree|framing|schedule|credentials)\//;
const sources = readdirSync(join(root, "test"), { recursive: true })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => path.endsWith(".test.ts") && (path.startsWith(received) || layers.test(path)))
  .sort()
  .map((path) => ({ path, text: readFileSync(join(root, "test", path), "utf8") }));

/** The tests of a rule: as a member or client receives it, else those of the layer that checks it. */
function testsOf(id) {
  const asText = new RegExp(`["\`](?:[^"\`\\n]* )?${id.replaceAll(".", "\\.")}(?:["\`:]| and )`);
  const all = sources.filter(({ text }) => asText.test(text)).map(({ path }) => path);
  const whole = all.filter((path) => path.startsWith(received));
  return { whole, layers: all.filter((path) => !path.startsWith(received)) };
}

const link = (path) => `[${path.replace(received, "").replace(".test.ts", "")}](../test/${path})`;
const list = (paths) => (paths.length === 0 ? "" : paths.map(link).join(", "));

const rows = rules.map(({ id, section, title }) => ({
  id,
  section: section.replace("RFC 9420 ", ""),
  title,
  ...testsOf(id),
}));
const untested = rows.filter(({ whole, layers }) => whole.length + layers.length === 0).map(({ id }) => id);

const known = new Set(rules.map(({ id }) => id));
const code = (id) => {
  if (!known.has(id)) throw new Error(`there is no rule ${id}`);
  return `\`${id}\``;
};
/** A demand is met by rules, for a reason, or both. */
const metBy = (ways) => ways.map((way) => (Array.isArray(way) ? way.map(code).join(", ") : way)).join(": ");

const text = `# Validation

Every check that can refuse an input has a rule: its id is in the outcome of a message (\`rule\`, \`section\`) and in the error of a
join. Each has tests that forge an input which breaks this one rule and is valid otherwise, signed, encrypted and authenticated as
a member could do it, in all seven cipher suites; after it nothing of the receiver has changed, the number of its secrets in
memory included, and what is valid is still taken. [forge](../test/forge) is the kit that makes such inputs.

The tests of the fourth column give the input to a \`Group\` or a \`Client\`; those of the last one to the layer that checks it.

| Rule | RFC 9420 | Wanted | Received by a member or client | By a layer |
| --- | --- | --- | --- | --- |
${rows.map(({ id, section, title, whole, layers }) => `| \`${id}\` | ${section} | ${title} | ${list(whole)} | ${list(layers)} |`).join("\n")}

## What RFC 9420 demands of receivers

Each MUST and MUST NOT of RFC 9420 that whoever receives octets can check, in the order of its text, and what sees to it. What it demands
of senders, of applications and of future documents is not listed.

| RFC 9420 | Demand | Seen to by |
| --- | --- | --- |
${demands.map(([section, demand, ...ways]) => `| §${section.replace(", ", ", §")} | ${demand} | ${metBy(ways)} |`).join("\n")}
`;

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
if (!values.check) writeFileSync(page, text);
const isCurrent = values.check ? readFileSync(page, "utf8") === text : true;
if (untested.length > 0) console.error(`rules without a test: ${untested.join(", ")}`);
if (!isCurrent) console.error("docs/validation.md is out of date: node scripts/validation-table.mjs");
const atLayers = rows.filter(({ whole }) => whole.length === 0).map(({ id }) => id);
console.log(
  `${rows.length} rules, ${untested.length} without a test, ${atLayers.length} at their layer only: ${atLayers.join(", ")}`,
);
process.exitCode = untested.length > 0 || !isCurrent ? 1 : 0;
