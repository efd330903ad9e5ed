import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "tinymls/crypto";
import { sleep } from "../context/support.js";
import { ended, folder, start, tinymls } from "./command.js";

const { path, clean } = folder();
const key = path("key");
const mebibyte = 1024 * 1024;

beforeAll(async () => void (await tinymls(["keygen", key])));
afterAll(clean);

/** Octets that the process had in memory at most: `VmHWM` of Linux. */
function peakMemory({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)![1]) * 1024;
}

async function feed(child: ChildProcess, block: Buffer, times: number, hash?: ReturnType<typeof createHash>) {
  for (let i = 0; i < times; ++i) {
    block.writeUInt32BE(i);
    hash?.update(block);
    if (!child.stdin!.write(Buffer.from(block))) await once(child.stdin!, "drain");
  }
}

describe("seal | open", () => {
  test("512 MiB go through in constant memory", async () => {
    const seal = start(["seal", "-k", key]);
    const open = start(["open", "-k", key]);
    seal.stdout!.pipe(open.stdin!);
    const [given, got] = [createHash("sha256"), createHash("sha256")];
    let octets = 0;
    let errors = "";
    for (const child of [seal, open]) child.stderr!.on("data", (part: Buffer) => (errors += part.toString()));
    open.stdout!.on("data", (part: Buffer) => {
      octets += part.length;
      got.update(part);
    });
    const finished = once(open, "close");
    const sealed = once(seal, "close");

    const block = randomBytes(mebibyte);
    await feed(seal, block, 32, given);
    const before = [seal, open].map(peakMemory);
    await feed(seal, block, 480, given);
    const after = [seal, open].map(peakMemory);
    seal.stdin!.end();

    expect([await sealed, await finished].map(([code]) => code)).toEqual([0, 0]);
    expect(errors).toBe("");
    expect(octets).toBe(512 * mebibyte);
    expect(got.digest("hex")).toBe(given.digest("hex"));
    for (const [i, peak] of after.entries()) {
      expect(peak - before[i]!).toBeLessThan(64 * mebibyte);
      expect(peak).toBeLessThan(256 * mebibyte);
    }
  }, 120_000);
});

describe("a reader that goes away", () => {
  test("is no fault to report", async () => {
    const input = randomBytes(8 * mebibyte);
    const sealed = (await tinymls(["seal", "-k", key], { input })).stdout;
    for (const args of [
      ["seal", "-k", key],
      ["open", "-k", key],
    ]) {
      const child = start(args);
      const end = ended(child);
      child.stdout!.once("data", () => child.stdout!.destroy());
      child.stdin!.end(args[0] === "seal" ? input : sealed);
      const { code, signal, stderr } = await end;
      expect({ code, signal, stderr }).toEqual({ code: 1, signal: null, stderr: "" });
    }
  }, 30_000);
});

describe("a writer that goes on", () => {
  test("is not waited for once the data is refused", async () => {
    const child = start(["open", "-k", key]);
    const end = ended(child);
    child.stdin!.write(Buffer.alloc(1000, "x"));
    expect(await end).toMatchObject({ code: 1, signal: null });
  });
});

describe("an interrupted run", () => {
  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "by %s leaves nothing behind",
    async (signal) => {
      const place = path(signal);
      mkdirSync(place);
      for (const [name, args] of [
        ["seal", ["seal", "-k", key, "-o", `${place}/out`]],
        ["open", ["open", "-k", key, "-o", `${place}/out`]],
      ] as const) {
        const text = randomBytes(3 * mebibyte);
        const sealed = (await tinymls(["seal", "-k", key], { input: text })).stdout;
        writeFileSync(`${place}/other`, "not ours");
        const child = start(args);
        const end = ended(child);
        child.stdin!.write(name === "seal" ? text : sealed.subarray(0, -10));
        for (let i = 0; i < 200 && readdirSync(place).length < 2; ++i) await sleep(25);
        // It is at work, beside the destination.
        expect(readdirSync(place)).toEqual([expect.stringMatching(/^\.out\.[0-9a-f]{12}\.partial$/), "other"]);
        child.kill(signal);
        expect(await end).toMatchObject({ code: null, signal });
        expect(readdirSync(place)).toEqual(["other"]);
      }
    },
    30_000,
  );
});
