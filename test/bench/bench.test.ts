import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";

interface Result {
  name: string;
  value: number;
  unit: string;
  floor?: number;
  peers: Record<string, number>;
}

const { judge, sentence } = (await import(pathToFileURL(resolve("bench/report/compare.mjs")).href)) as {
  judge: (targets: object[], results: Result[]) => object[];
  sentence: (judged: object) => string;
};
const main = "bench/main.mjs";
const run = promisify(execFile);
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tinymls-bench-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

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
    ["serialise and load", "ms"],
    ["process a commit", "ms"],
  ];
  const shapes = ["flat", "populated"].flatMap((shape) =>
    lines
      .filter(([line]) => line !== "add all" || shape === "flat")
      .map(([line, unit]) => [`${line}, 10 members, ${shape}`, unit]),
  );
  expect(results.map(({ name, unit }) => [name, unit])).toEqual([
    ...shapes,
    ["serialise and load, 2 members, flat: its storage, records and handles alone", "us"],
    ["serialise and load, 10 members, flat: its storage, records and handles alone", "us"],
    ["receive 1,000 messages of 20 senders at once, a message", "us"],
    ["send 256 B in turn to 1,000 groups of 50 members", "us"],
    ["delay of the event loop among them while joins and commits run, p99", "ms"],
    ["memory of a group of 10,000 members", "MB"],
  ]);
  for (const { name, value, floor, peers } of results) {
    if (/10 members, (flat|populated)$/.test(name)) {
      expect(floor).toBeDefined();
      expect(Object.keys(peers)).toContain("ts-mls");
    }
    for (const figure of [value, ...(floor === undefined ? [] : [floor]), ...Object.values(peers)]) {
      expect({ name, sound: Number.isFinite(figure) && figure > 0 }).toEqual({ name, sound: true });
    }
  }
}, 300_000);

test("what is measured is held to the targets", () => {
  const line = (name: string, value: number, peers = {}): Result => ({ name, value, unit: "ms", floor: 8, peers });
  const results = [line("small", 10, { other: 30, third: 5 }), line("large", 90)];
  const targets = [
    { name: "small", against: "floor", times: 1 / 1.3 },
    { name: "small", against: "other", times: 4 },
    { name: "small", against: "absent", times: 4 },
    { name: "small", atMost: 10 },
    { name: "large", than: "small", atMostTimes: 8 },
    { name: "large", than: "absent", atMostTimes: 8 },
    { name: "absent", atMost: 1 },
    { every: true, against: "third", times: 1 },
  ];
  expect(judge(targets, results).map(sentence)).toEqual([
    "met    small: 1.25x the floor's time, at most 1.3x",
    "MISSED small: 3.00x other, at least 4x",
    "met    small: 10 ms, at most 10",
    "MISSED large: 9.00x small, at most 8x",
    "MISSED small: 0.50x third, at least 1x",
  ]);
});

test("an unknown bench is refused, and the known ones are named", async () => {
  await expect(run(process.execPath, [main, "--only", "speed"])).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining("context"),
  });
});

test("the bench of storage measures each storage that is here", async () => {
  const file = join(folder, "storage.json");
  await run(process.execPath, [main, "--only", "storage", "--quick", "--json", file]);
  const { results } = JSON.parse(readFileSync(file, "utf8")) as { results: Result[] };
  const names = results.map(({ name }) => name);
  for (const name of [
    "seal a record of 64 B",
    "open a record of 64 B",
    "send 256 B, SQLite",
    "receive 256 B, SQLite, synchronous FULL",
    "octets written for a message sent",
    "octets written for a commit, 10 members",
    "load a group of 10 members, SQLite",
    "join a fleet, SQLite",
    "rotate a fleet, SQLite",
  ])
    expect(names).toContain(name);
  for (const { name, value, peers } of results) {
    for (const figure of [value, ...Object.values(peers)])
      expect({ name, sound: Number.isFinite(figure) && figure > 0 }).toEqual({ name, sound: true });
  }
}, 300_000);
