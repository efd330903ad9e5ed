import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const commit = "0123456789012345678901234567890123456789";
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const lock = [
  {
    repository: "a/b",
    commit,
    path: "x/y",
    folder: "one",
    files: { "p.json": sha256("[1]"), "q.json": sha256("[2]") },
  },
];

let server: Server;
let base: string;
let served: Record<string, string>;
let requests: string[];
let folder: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request.url ?? "");
    const body = served[request.url ?? ""];
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
});

beforeEach(() => {
  served = { [`/a/b/${commit}/x/y/p.json`]: "[1]", [`/a/b/${commit}/x/y/q.json`]: "[2]" };
  requests = [];
  folder = mkdtempSync(join(tmpdir(), "tinymls-vectors-"));
  writeFileSync(join(folder, "lock.json"), JSON.stringify(lock));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function fetchVectors(): Promise<{ code: number; output: string }> {
  const args = ["scripts/fetch-vectors.mjs", "--base", base, "--lock", join(folder, "lock.json"), "--out", folder];
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr });
    });
  });
}

const read = (name: string) => readFileSync(join(folder, "one", name), "utf8");

test("fetches each file from its commit, and keeps what is already right", async () => {
  const first = await fetchVectors();
  expect(first).toMatchObject({ code: 0, output: expect.stringContaining("2 fetched, 0 kept, 0 failed") });
  expect([read("p.json"), read("q.json")]).toEqual(["[1]", "[2]"]);
  requests = [];
  const second = await fetchVectors();
  expect(second).toMatchObject({ code: 0, output: expect.stringContaining("0 fetched, 2 kept, 0 failed") });
  expect(requests).toEqual([]);
});

test("a file with another hash is refused and leaves nothing behind", async () => {
  served[`/a/b/${commit}/x/y/q.json`] = "[2] ";
  const { code, output } = await fetchVectors();
  expect(code).toBe(1);
  expect(output).toContain("failed one/q.json");
  expect(output).toContain(sha256("[2]"));
  expect(read("p.json")).toBe("[1]");
  expect([existsSync(join(folder, "one/q.json")), existsSync(join(folder, "one/q.json.partial"))]).toEqual([
    false,
    false,
  ]);
});

test("a changed file on disk is fetched again; a missing source fails and names the file", async () => {
  await fetchVectors();
  writeFileSync(join(folder, "one/p.json"), "changed");
  writeFileSync(join(folder, "one/q.json"), "changed");
  delete served[`/a/b/${commit}/x/y/q.json`];
  const { code, output } = await fetchVectors();
  expect(code).toBe(1);
  expect(output).toMatch(/failed one\/q.json: .*HTTP 404/);
  expect([read("p.json"), read("q.json")]).toEqual(["[1]", "changed"]);
});

test("the lock of the project pins commits and hashes", () => {
  const sources = JSON.parse(readFileSync("scripts/vectors.lock.json", "utf8")) as typeof lock;
  expect(sources.map(({ folder }) => folder)).toEqual(["mls", "wycheproof", "hpke"]);
  for (const { commit, files } of sources) {
    expect(commit).toMatch(/^[0-9a-f]{40}$/);
    expect(Object.values(files).join()).toMatch(/^[0-9a-f]{64}(,[0-9a-f]{64})*$/);
  }
});
