// npm run test:sanitized [-- jest patterns]: the jest tests of the addon under AddressSanitizer and UndefinedBehaviorSanitizer.
// Linux with g++. Everything else is built already (npm run compile && npm run build:tests).
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "./run.mjs";

const patterns = process.argv.slice(2);
if (patterns.length === 0)
  patterns.push("test/native-api/(secret|bytes|memory|environments)", "test/adversarial/native");

execFileSync(process.execPath, [join(root, "scripts", "build.mjs"), "--sanitize"], { stdio: "inherit" });
const runtime = (library) =>
  execFileSync(process.env.CXX ?? "g++", [`-print-file-name=${library}`], { encoding: "utf8" }).trim();
const jest = ["--experimental-vm-modules", join(root, "node_modules/jest/bin/jest.js"), "--runInBand", ...patterns];
const { status } = spawnSync(process.execPath, jest, {
  cwd: root,
  stdio: "inherit",
  env: {
    ...process.env,
    TINYMLS_PREBUILD: join(root, "build", "sanitize"), // node-gyp-build looks there
    LD_PRELOAD: `${runtime("libasan.so")} ${runtime("libubsan.so")}`,
    ASAN_OPTIONS: "detect_leaks=0", // Node's own, which it never frees
    UBSAN_OPTIONS: "print_stacktrace=1",
  },
});
process.exit(status ?? 1);
