import { expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Store } from "./conformance.js";

const program = join(import.meta.dirname, "child.js");

/** A store that another process can open, and how. */
export interface SharedStore extends Store {
  readonly address: { adapter: "sqlite" | "postgres"; at: string };
}

function start(store: SharedStore, task: string, count: number) {
  const args = ["--no-warnings", program, store.address.adapter, store.address.at, task, String(count)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  return { child, exit: once(child, "exit"), output: () => output };
}

/** What holds for a store that outlives and is shared by processes. */
export function processes(name: string, create: () => Promise<SharedStore>): void {
  test(`${name}: what was written is there after closing and opening again`, async () => {
    const store = await create();
    const first = await store.open();
    const revision = await first.write([
      { put: "a", value: Buffer.from("1") },
      { append: "log", entries: [Buffer.from("x")] },
    ]);
    await first.close();
    const second = await store.open();
    expect(await second.get("a")).toEqual({ key: "a", value: Buffer.from("1"), revision });
    expect((await second.read("log", 0)).end).toBe(1);
    expect(await second.write([{ put: "a", value: Buffer.from("2"), revision }])).toBeGreaterThan(revision);
    await second.close();
    await store.remove();
  });

  test(`${name}: processes that race count every success once`, async () => {
    const store = await create();
    const storage = await store.open();
    const told = new Set<string>();
    await storage.watch("counter", (keys) => keys?.forEach((key) => told.add(key)));
    const children = [start(store, "count", 40), start(store, "count", 40)];
    const exits = await Promise.all(children.map(({ exit }) => exit));
    expect(exits).toEqual([
      [0, null],
      [0, null],
    ]);
    expect((await storage.get("counter"))!.value.toString()).toBe("80");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([...told]).toEqual(["counter"]);
    await storage.close();
    await store.remove();
  }, 60_000);

  test(`${name}: a process killed while it writes loses nothing that it acknowledged, and leaves no half of a write`, async () => {
    const store = await create();
    let acknowledged = 0;
    for (let kill = 0; kill < 4; kill++) {
      const { child, exit, output } = start(store, "append", 1_000_000);
      while (!output().includes("\n")) await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, 20 + 60 * Math.random()));
      child.kill("SIGKILL");
      await exit;
      const lines = output().split("\n");
      acknowledged = Number(lines.at(-2));
      const storage = await store.open();
      const { end } = await storage.read("log", 0);
      expect(end).toBeGreaterThanOrEqual(acknowledged);
      expect(Number((await storage.get("end"))!.value.toString())).toBe(end);
      let position = 0;
      while (position < end) {
        for (const { value } of (await storage.read("log", position, 1000)).entries) {
          expect(value.toString()).toBe(String(position++));
        }
      }
      await storage.close();
    }
    expect(acknowledged).toBeGreaterThan(0);
    await store.remove();
  }, 60_000);
}
