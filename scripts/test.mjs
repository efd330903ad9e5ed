// npm test: everything that CI checks, step by step. `--only lint,jest` runs the named steps, what follows `--` goes to jest.
// Ends with one line: N passed, N failed, N skipped. Native and jest tests are counted; a step that fails without a
// failed test of its own counts as one failure.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root, run, tool } from "./run.mjs";

const { values, positionals } = parseArgs({ options: { only: { type: "string" } }, allowPositionals: true });

const script = (name, ...args) => [process.execPath, [join(root, "scripts", name), ...args]];
const jestReport = join(root, ".test-build", "jest.json");

const steps = [
  { group: "build", name: "build the addon", command: script("build.mjs"), needed: true },
  { group: "compile", name: "compile lib", command: tsc("."), clean: "dist", needed: true },
  { group: "compile", name: "compile tests", command: tsc("test"), clean: ".test-build", needed: true },
  { group: "package", name: "Node lines", command: script("matrix.mjs") },
  { group: "package", name: "prebuild", command: script("prebuild.mjs", "--host", "--optional") },
  { group: "lint", name: "eslint", command: tool("eslint/bin/eslint.js", ".", "--max-warnings", "0") },
  {
    group: "lint",
    name: "prettier",
    command: tool("prettier/bin/prettier.cjs", "--check", "--log-level", "warn", "."),
  },
  { group: "lint", name: "clang-format", command: script("format.mjs", "--check") },
  { group: "lint", name: "tree", command: script("lint-tree.mjs") },
  { group: "native", name: "native tests", command: script("native-tests.mjs"), count: countNative },
  { group: "jest", name: "jest", command: jestCommand(), count: countJest },
];

function tsc(project) {
  return tool("typescript/bin/tsc", "-p", project);
}

function jestCommand() {
  const args = ["--json", `--outputFile=${jestReport}`, ...positionals];
  return [process.execPath, ["--experimental-vm-modules", join(root, "node_modules/jest/bin/jest.js"), ...args]];
}

function countJest() {
  const report = JSON.parse(readFileSync(jestReport, "utf8"));
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** The native tests end with the same line as this script, or say that a tool is missing. */
function countNative(output) {
  if (/^skipped: /m.test(output)) return { passed: 0, failed: 0, skipped: 1 };
  const lines = [...output.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)];
  const [, passed, failed, skipped = "0"] = lines.at(-1) ?? ["", "0", "1"];
  return { passed: Number(passed), failed: Number(failed), skipped: Number(skipped) };
}

const only = values.only?.split(",");
const known = new Set(steps.map(({ group }) => group));
const unknown = only?.filter((group) => !known.has(group)) ?? [];
if (unknown.length > 0) {
  console.error(`no such step: ${unknown.join(", ")} (there are ${[...known].join(", ")})`);
  process.exit(2);
}

rmSync(jestReport, { force: true });
const selected = steps
  .filter(({ group }) => !only || only.includes(group))
  .filter(({ command }) => existsSync(command[1][0]) || command[1][0].startsWith("-"));
const total = { passed: 0, failed: 0, skipped: 0 };
const times = [];

for (const [index, { name, command, count, clean, needed }] of selected.entries()) {
  console.log(`\n[${index + 1}/${selected.length}] ${name}`);
  const start = performance.now();
  // A file whose source is gone must not live on in the output.
  if (clean) rmSync(join(root, clean), { recursive: true, force: true });
  const { ok, output } = await run(...command, { env: { FORCE_COLOR: process.stdout.isTTY ? "1" : "0" } });
  const counted = count ? tryCount(count, output) : { passed: 0, failed: 0, skipped: 0 };
  if (!ok && counted.failed === 0) counted.failed = 1;
  for (const key of Object.keys(total)) total[key] += counted[key];
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  times.push(`${seconds.padStart(8)} s  ${name}${counted.failed > 0 ? "  FAILED" : ""}`);
  console.log(`${counted.failed > 0 ? "FAILED" : "ok"}: ${name}, ${seconds} s`);
  // What does not compile cannot be tested: later figures would come from an older build.
  if (!ok && needed) break;
}

function tryCount(count, output) {
  try {
    return count(output);
  } catch (error) {
    console.log(`no result: ${error.message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

console.log(`\n${times.join("\n")}\n`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 ? 1 : 0;
