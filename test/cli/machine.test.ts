import { afterAll, describe, expect, test } from "@jest/globals";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
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
