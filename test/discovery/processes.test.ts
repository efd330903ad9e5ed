import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let folder: string;
let children: ChildProcess[];
beforeEach(() => {
  children = [];
  folder = mkdtempSync(join(tmpdir(), "tinymls-directory-"));
});
afterEach(() => {
  // Where one failed the others wait for it for ever.
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

async function run(name: string, peers: number): Promise<{ joined: string[]; state: string }> {
  const args = ["--no-warnings", join(import.meta.dirname, "child.js"), join(folder, "state.db"), name, String(peers)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const [code] = (await once(child, "close")) as [number];
  expect(code).toBe(0);
  return JSON.parse(output) as { joined: string[]; state: string };
}

test("processes that share a SQLite file find and join each other's groups", async () => {
  const [one, two, three] = await Promise.all([run("one", 2), run("two", 2), run("three", 2)]);
  expect(one.joined).toEqual(["three 1", "two 1"]);
  expect(two.joined).toEqual(["one 1", "three 1"]);
  expect(three.state).toBe(one.state);
  expect(two.state).toBe(one.state);
}, 60_000);
