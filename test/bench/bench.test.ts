import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";

const main = "bench/main.mjs";
const run = promisify(execFile);
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tinymls-bench-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Result {
  name: string;
  value: number;
  unit: string;
  floor?: number;
  peers: Record<string, number>;
}

// Builds the addon of the bench when it is not there. Shape only: times depend on what else the machine does.
test("the bench of Context writes what it measured, the floor and the peers", async () => {
  const file = join(folder, "context.json");
  await run(process.execPath, [main, "--only", "context", "--quick", "--json", file]);
  const report = JSON.parse(readFileSync(file, "utf8")) as { environment: { node: string }; results: Result[] };
  expect(Object.keys(report)).toEqual(["environment", "results"]);
  expect(report.environment).toMatchObject({ node: process.versions.node, openssl: process.versions.openssl });
  expect(report.results.map(({ name }) => name)).toEqual([
    "encryptInto 64 B",
    "encrypt 64 B",
    "encryptBatch 1000 x 64 B, a message",
    "decryptInto 64 B",
    "encryptInto 256 B",
    "encryptInto 1 KiB",
    "encryptInto 16 KiB",
    "encryptInto 1 MiB",
    "two threads on one Context, 64 B",
    "key state of one epoch, 100 ms x 24 h",
    "the next step's key",
    "memory of an idle Context, of 100,000",
  ]);
  for (const { name, value, unit, floor, peers, ...rest } of report.results) {
    expect(rest).toEqual({});
    expect(unit).toMatch(/^(ns|us|bytes|GB\/s|messages\/s)$/);
    const figures = [value, ...(floor === undefined ? [] : [floor]), ...Object.values(peers)];
    for (const figure of figures)
      expect({ name, sound: Number.isFinite(figure) && figure > 0 }).toEqual({ name, sound: true });
    if (!/^(en|de)crypt/.test(name)) continue;
    expect(floor).toBeDefined();
    expect(Object.keys(peers)).toEqual([
      "node:crypto",
      "WebCrypto",
      "sodium-native (ChaCha20-Poly1305)",
      "@noble/ciphers",
    ]);
  }
  // Does not depend on the machine.
  const state = report.results.find(({ name }) => name.startsWith("key state"))!;
  expect(state.value).toBeLessThanOrEqual(1024);
}, 300_000);

test("the bench of groups writes each line with its floor and its peers", async () => {
  const file = join(folder, "mls.json");
  await run(process.execPath, [main, "--only", "mls", "--quick", "--json", file]);
  const { results } = JSON.parse(readFileSync(file, "utf8")) as { results: Result[] };
  const lines = [
    ["create", "us"],
    ["add all", "ms"],
    ["join", "ms"],
    ["join, tree apart", "ms"],
    ["send 256 B", "us"],
    ["receive 256 B", "us"],
    ["empty commit", "ms"],
    ["remove", "ms"],
    ["add one", "ms"],
    ["external join", "ms"],
    ["process a commit", "ms"],
  ];
  expect(results.map(({ name, unit }) => [name, unit])).toEqual(
    lines.map(([line, unit]) => [`${line}, 10 members, flat`, unit]),
  );
  for (const { value, floor, peers } of results) {
    expect(Object.keys(peers)).toContain("ts-mls");
    for (const figure of [value, floor!, ...Object.values(peers)]) {
      expect(Number.isFinite(figure) && figure > 0).toBe(true);
    }
  }
}, 300_000);

test("an unknown bench is refused, and the known ones are named", async () => {
  await expect(run(process.execPath, [main, "--only", "speed"])).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining("context"),
  });
});
