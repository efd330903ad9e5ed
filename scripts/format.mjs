// npm run format: prettier and clang-format, in place; with --check clang-format only reports (prettier has its own step).
import { run, tool, which } from "./run.mjs";
import { nativeSources } from "./files.mjs";

const check = process.argv.includes("--check");
const clangFormat = which("clang-format-14");
const sources = nativeSources();
let ok = true;

if (!check) ok = (await run(...tool("prettier/bin/prettier.cjs", "--write", "--log-level", "warn", "."))).ok;
if (!clangFormat) {
  console.log("clang-format: skipped, clang-format-14 is not installed (Debian: apt-get install clang-format-14)");
} else if (sources.length > 0) {
  const mode = check ? ["--dry-run", "--Werror"] : ["-i"];
  ok = (await run(clangFormat, [...mode, ...sources])).ok && ok;
}
process.exitCode = ok ? 0 : 1;
