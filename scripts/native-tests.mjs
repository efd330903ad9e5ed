// The native core alone: configures, builds and runs its CMake suite in build/native*.
//   --sanitize address,undefined | thread   the suite under these sanitizers
//   --fuzz SECONDS                          each fuzz target that long, one a core, instead of the suite (needs clang)
//   --filter PATTERN                        some tests alone, as GoogleTest names them
// Ends with one line: N passed, N failed. Where a tool is missing that line is "skipped: ..." and the exit code 0.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { root, run, which } from "./run.mjs";

const { values } = parseArgs({
  options: { sanitize: { type: "string", default: "" }, fuzz: { type: "string" }, filter: { type: "string" } },
});
const fuzzSeconds = values.fuzz === undefined ? 0 : Number(values.fuzz);
if (!(fuzzSeconds >= 0 && fuzzSeconds < 86400) || !/^[a-z,]*$/.test(values.sanitize)) {
  console.error("usage: native-tests.mjs [--sanitize address,undefined|thread] [--fuzz SECONDS] [--filter PATTERN]");
  process.exit(2);
}
const fuzzing = fuzzSeconds > 0;
const windows = process.platform === "win32";

function skip(reason) {
  console.log(`skipped: ${reason}`);
  process.exit(0);
}

const cmake = which("cmake") ?? skip("no cmake");
// MSVC is not on PATH: there CMake finds it by itself.
const compiler = fuzzing
  ? (which("clang++", "clang++-19", "clang++-16", "clang++-14") ?? skip("no clang++, which the fuzz targets need"))
  : (which("c++", "g++", "clang++") ?? (windows ? undefined : skip("no C++ compiler")));
const kind = fuzzing ? "fuzz" : values.sanitize.replaceAll(",", "-");
const folder = join(root, "build", kind ? `native-${kind}` : "native");

/** What find_package cannot find is a missing tool; every other failure is one. */
async function build() {
  const options = [`-DTINYMLS_SANITIZE=${fuzzing ? "" : values.sanitize}`, `-DTINYMLS_FUZZ=${fuzzing ? "ON" : "OFF"}`];
  const fresh = !existsSync(join(folder, "CMakeCache.txt"));
  // Named again from another PATH it would make CMake drop its cache, and the options with it.
  if (compiler && fresh) options.push(`-DCMAKE_CXX_COMPILER=${compiler}`);
  if (fresh && which("ninja")) options.push("-G", "Ninja");
  const configured = await run(cmake, ["-S", root, "-B", folder, ...options], { quiet: true });
  if (!configured.ok) {
    if (/Could NOT find (OpenSSL|GTest)/.test(configured.output)) {
      rmSync(folder, { recursive: true, force: true });
      skip(`no ${RegExp.$1} for CMake`);
    }
    console.error(configured.output);
    return false;
  }
  const jobs = String(Math.min(availableParallelism(), 8));
  const args = ["--build", folder, "--parallel", jobs, ...(windows ? ["--config", "RelWithDebInfo"] : [])];
  const built = await run(cmake, args, { quiet: true });
  if (!built.ok) console.error(built.output);
  return built.ok;
}

/** A built program, also where a generator of many configurations put it. */
function program(name) {
  const places = [join(folder, name), join(folder, "RelWithDebInfo", name)];
  return places.flatMap((place) => [place, `${place}.exe`]).find((place) => existsSync(place)) ?? places[0];
}

async function test() {
  const report = join(folder, "report.json");
  rmSync(report, { force: true });
  const args = ["--gtest_brief=1", `--gtest_output=json:${report}`];
  if (values.filter) args.push(`--gtest_filter=${values.filter}`);
  const { ok, output } = await run(program("tinymls_core_test"), args);
  if (!existsSync(report)) {
    console.error(output || "the test program did not run");
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const tests = JSON.parse(readFileSync(report, "utf8")).testsuites.flatMap((suite) => suite.testsuite);
  const failed = tests.filter((one) => one.failures).length;
  const skipped = tests.filter((one) => one.result === "SKIPPED" || one.status === "NOTRUN").length;
  return { passed: tests.length - failed - skipped, failed: ok ? failed : Math.max(failed, 1), skipped };
}

async function fuzz() {
  const targets = readdirSync(join(root, "fuzz"))
    .filter((file) => file.endsWith(".cc"))
    .map((file) => basename(file, ".cc"))
    .sort();
  const total = { passed: 0, failed: 0, skipped: 0 };
  console.log(`fuzz ${targets.join(", ")}: ${fuzzSeconds} s each`);
  const queue = [...targets];
  const work = async () => {
    for (let target = queue.shift(); target; target = queue.shift()) {
      total[(await fuzzOne(target)) ? "passed" : "failed"] += 1;
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, work));
  return total;
}

async function fuzzOne(target) {
  const corpus = join(root, "build", "corpus", target);
  mkdirSync(corpus, { recursive: true });
  const limits = [`-max_total_time=${fuzzSeconds}`, "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"];
  const artifacts = `-artifact_prefix=${join(root, "build", `${target}-`)}`;
  const { ok, output } = await run(program(`fuzz_${target}`), [...limits, artifacts, corpus], { quiet: true });
  const executions = /number_of_executed_units: (\d+)/.exec(output)?.[1];
  if (ok && executions) console.log(`  ${target}: ${executions} executions`);
  else console.error(`${output}\nFAILED: fuzz ${target}`);
  return ok && executions !== undefined;
}

const start = performance.now();
const counted = (await build()) ? await (fuzzing ? fuzz() : test()) : { passed: 0, failed: 1, skipped: 0 };
const seconds = ((performance.now() - start) / 1000).toFixed(1);
console.log(`native core${kind ? ` (${kind.replaceAll("-", ", ")})` : ""}: ${seconds} s`);
const skipped = counted.skipped > 0 ? `, ${counted.skipped} skipped` : "";
console.log(`${counted.passed} passed, ${counted.failed} failed${skipped}`);
process.exitCode = counted.failed > 0 ? 1 : 0;
