import { afterAll, describe, expect, test } from "@jest/globals";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { capabilities } from "tinymls/crypto";
import { folder, tinymls } from "./command.js";

const { path, clean } = folder();
afterAll(clean);

describe("doctor", () => {
  test("finds this machine fit", async () => {
    const { code, stdout, stderr } = await tinymls(["doctor"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const text = stdout.toString();
    for (const name of ["Node", "OpenSSL", "algorithms", "lock limit", "strict memory", "FIPS", "self-test"])
      expect(text).toMatch(new RegExp(`^(ok|note) +${name} `, "m"));
    expect(text).toMatch(/\ntinymls works here\.\n$/);
  });

  test("tells the same to programs", async () => {
    const { code, stdout } = await tinymls(["doctor", "--json"]);
    expect(code).toBe(0);
    const { ok, findings, facts } = JSON.parse(stdout.toString());
    expect(ok).toBe(true);
    expect(findings.map(({ status }: { status: string }) => status)).not.toContain("missing");
    const { node, opensslVersion, algorithms, cpu } = capabilities();
    expect(facts).toMatchObject({ node, opensslVersion, algorithms, cpu, strictMemoryPossible: expect.any(Boolean) });
    expect(facts.libc).toMatch(process.platform === "linux" ? /^(glibc \d|musl)/ : /./);
  });

  test("says what is missing where the addon does not load; help and version work all the same", async () => {
    const copy = path("installed");
    cpSync("dist", join(copy, "dist"), { recursive: true });
    for (const file of ["package.json", "scripts"]) cpSync(file, join(copy, file), { recursive: true });
    cpSync("node_modules/node-gyp-build", join(copy, "node_modules/node-gyp-build"), { recursive: true });
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [join(copy, "dist/cli/main.js"), ...args], { encoding: "utf8" });

    const told = run("doctor", "--json");
    expect(told.status).toBe(1);
    const { ok, findings } = JSON.parse(told.stdout);
    expect(ok).toBe(false);
    expect(findings.find(({ name }: { name: string }) => name === "native addon")).toMatchObject({ status: "missing" });
    expect(run("doctor")).toMatchObject({ status: 1, stderr: "" });
    expect(run("help")).toMatchObject({ status: 0, stderr: "" });
    expect(run("--version").status).toBe(0);
    const sealing = run("seal");
    expect(sealing.status).toBe(3);
    expect(sealing.stderr).toMatch(/^tinymls: [^\n]+\n$/);
    rmSync(copy, { recursive: true });
  });
});

test("bench measures four things against node:crypto", async () => {
  const { code, stdout } = await tinymls(["bench", "--seconds", "1", "--json"]);
  expect(code).toBe(0);
  const { environment, results } = JSON.parse(stdout.toString());
  expect(environment).toMatchObject({ node: process.versions.node, openssl: process.versions.openssl });
  const names = ["encryptInto 64 B", "decryptInto 64 B", "encryptInto 1 MiB", "decryptInto 1 MiB"];
  expect(results.map(({ name }: { name: string }) => name)).toEqual(names);
  for (const { value, peers } of results) {
    expect(value).toBeGreaterThan(0);
    expect(peers["node:crypto"]).toBeGreaterThan(0);
  }
  const table = await tinymls(["bench", "--seconds", "1"]);
  for (const name of names) expect(table.stdout.toString()).toMatch(new RegExp(`^${name} .* [0-9.]+x$`, "m"));
}, 60_000);

/** The demo of a copy of the program, in which a file of the demo reads `wrong` where it reads `right`. */
function brokenDemo(file: string, right: string, wrong: string): SpawnSyncReturns<string> {
  const copy = path(`broken-${copies++}`);
  cpSync("dist", join(copy, "dist"), { recursive: true });
  for (const needed of ["package.json", "build/Release"]) cpSync(needed, join(copy, needed), { recursive: true });
  cpSync("node_modules/node-gyp-build", join(copy, "node_modules/node-gyp-build"), { recursive: true });
  const part = join(copy, "dist/cli/demo", file);
  const source = readFileSync(part, "utf8");
  expect(source).toContain(right);
  writeFileSync(
    part,
    source.replace(right, () => wrong),
  );
  return spawnSync(process.execPath, [join(copy, "dist/cli/main.js"), "demo", "--seconds", "1"], {
    encoding: "utf8",
    cwd: resolve("."),
  });
}
let copies = 0;

describe("demo", () => {
  test("does the main job, every check holds, and no file is left", async () => {
    writeFileSync(path("mine"), "a file of mine");
    const before = new Set(readdirSync(tmpdir()));
    const { code, stdout, stderr } = await tinymls(["demo", "--seconds", "1", "--file", path("mine")]);
    const text = stdout.toString();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(text).not.toMatch(/FAIL|\r|\x1b/); // eslint-disable-line no-control-regex -- plain without a terminal
    expect(text).toMatch(/^ {2}ok {3}SHA-256 of every file is that of before: (\d+) of \1$/m);
    expect(text).toMatch(/^ {2}ok {3}each attempt is refused with its code: (\d+) of \1$/m);
    expect(text).toMatch(/\nAll \d+ checks held, in [0-9.]+ s\.\n$/);
    const left = readdirSync(tmpdir()).filter((name) => name.startsWith("tinymls-demo-") && !before.has(name));
    expect(left).toEqual([]);
  }, 120_000);

  test("a check that does not hold fails it", async () => {
    const wrongHash = "this.#hash.update(Math.random().toString())";
    const run = brokenDemo("files.js", "this.#hash.update(data)", wrongHash);
    expect(run.status).toBe(1);
    expect(run.stdout).toMatch(/^ {2}FAIL SHA-256 of every file/m);
    expect(run.stdout).toMatch(/\n1 of \d+ checks FAILED/);
  }, 120_000);

  test.each(["SIGKILL", "SIGSEGV"])(
    "a member whose process ends between two calls, by %s, is told of",
    (signal) => {
      // It answers, and is gone a moment later.
      const answered = "(result) => process.send({ id, result })";
      const gone = `(result) => process.send({ id, result }, () => name === "leafIndexOf" && process.kill(process.pid, "${signal}"))`;
      const run = brokenDemo("groups/member-process.js", answered, gone);
      const line = `tinymls: internal error, Error: the process of alice ended: ${signal}: please report it\n`;
      expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 1, stderr: line });
    },
    120_000,
  );
});
