import { inspect } from "node:util";
import { markAsUntransferable } from "node:worker_threads";
import { describe, expect, test } from "@jest/globals";
import {
  aead,
  capabilities,
  collectedHandles,
  liveHandles,
  Secret,
  SecureBuffer,
  setStrictMemory,
  wipe,
} from "tinymls/crypto";
import { collect } from "./collect.js";
import { heldHandles } from "../held-handles.js";
import { refuses } from "./expect.js";

const text = Buffer.from("held in locked memory");

test("a SecureBuffer is bytes that may be read, written and used, with no copy", () => {
  const buffer = SecureBuffer.from(text);
  expect(Buffer.from(buffer.bytes)).toEqual(text);
  expect(buffer.byteLength).toBe(text.length);
  buffer.bytes[0] = 0x48;
  expect(buffer.toSecret().equals(Buffer.from("Held in locked memory"))).toBe(true);
  const key = SecureBuffer.alloc(32);
  expect([...key.bytes]).toEqual(Array<number>(32).fill(0));
  const nonce = Buffer.alloc(12);
  const sealed = aead.seal("AES-256-GCM", key.bytes, nonce, nonce, buffer.bytes);
  expect(aead.open("AES-256-GCM", Buffer.alloc(32), nonce, nonce, sealed)).toEqual(Buffer.from(buffer.bytes));
});

test("dispose takes every view away, once", () => {
  const before = heldHandles();
  const buffer = SecureBuffer.from(text);
  const views = [buffer.bytes, buffer.bytes.subarray(3), Buffer.from(buffer.bytes.buffer, 1)];
  const secret = buffer.toSecret();
  buffer.dispose();
  buffer.dispose();
  buffer[Symbol.dispose]();
  for (const view of views) expect(view.length).toBe(0);
  expect(buffer.byteLength).toBe(0);
  refuses("usage", () => buffer.toSecret());
  refuses("usage", () => Secret.from(buffer.bytes));
  expect(secret.equals(text)).toBe(true);
  secret.dispose();
  expect(heldHandles()).toBe(before);
});

test("memory that someone forbade to detach is zeros after dispose", () => {
  const buffer = SecureBuffer.from(text);
  const view = buffer.bytes;
  markAsUntransferable(view.buffer);
  buffer.dispose();
  for (let i = 0; i < view.length; i++) expect(view[i]).toBe(0); // older Node detaches it all the same
});

test("it prints as its length alone and refuses JSON", () => {
  const buffer = SecureBuffer.from(text);
  for (const printed of [inspect(buffer), String(buffer), `${inspect({ buffer }, { showHidden: true })}`]) {
    expect(printed).toContain(`SecureBuffer { ${text.length} bytes }`);
    expect(printed).not.toContain("68, 65");
  }
  refuses("usage", () => JSON.stringify({ buffer }));
  expect(structuredClone({ buffer })).toEqual({ buffer: {} });
  buffer.dispose();
  expect(String(buffer)).toBe("SecureBuffer { disposed }");
});

test("wipe overwrites the view and nothing beside it", () => {
  const memory = Buffer.alloc(10, 0xff);
  wipe(memory.subarray(2, 8));
  expect(memory.toString("hex")).toBe("ffff000000000000ffff");
});

describe("what is collected without having been disposed", () => {
  test("is freed: secrets, ciphers, buffers", async () => {
    await collect(() => liveHandles() === 0);
    const [live, held, collected] = [liveHandles(), heldHandles(), collectedHandles()];
    (() => {
      for (let i = 0; i < 1000; i++) {
        const secret = Secret.random(32);
        aead.cipher("AES-256-GCM", secret);
        SecureBuffer.alloc(32);
      }
    })();
    expect(liveHandles()).toBeGreaterThan(live);
    await collect(() => liveHandles() <= live);
    expect(liveHandles()).toBeLessThanOrEqual(live);
    expect(collectedHandles() - collected).toBeGreaterThanOrEqual(3000);
    expect(heldHandles()).toBe(held + 3000);
  });

  test("is freed with the last of those that were made with it", async () => {
    await collect(() => liveHandles() === 0);
    using cipher = aead.cipher("AES-256-GCM", Buffer.alloc(32));
    const live = liveHandles();
    const head = Buffer.alloc(20);
    [0, 3, 4, 4, 4].forEach((number, at) => head.writeUInt32BE(number, 4 * at));
    const sealed = cipher.seal(Buffer.alloc(12), head, Buffer.concat([head, text.subarray(0, 12)]));
    const lists = Array.from({ length: 100 }, () => {
      return cipher.openBundle(Buffer.alloc(12), head, sealed).secrets.slice(0, 1);
    });
    await collect(() => liveHandles() <= live + 300);
    expect(liveHandles()).toBeGreaterThanOrEqual(300); // what is held keeps the rest
    expect(lists.every(([kept]) => kept!.equals(text.subarray(0, 4)))).toBe(true);
    lists.length = 0;
    await collect(() => liveHandles() <= live);
    expect(liveHandles()).toBeLessThanOrEqual(live);
  });

  test("does not take the memory from a view that is still held", async () => {
    const view = (() => SecureBuffer.from(text).bytes)();
    await collect(() => liveHandles() === 0);
    for (let i = 0; i < 1000; i++) Secret.random(text.length).dispose(); // would land on it
    expect(Buffer.from(view)).toEqual(text);
  });

  test("gives the memory back", async () => {
    await collect(() => capabilities().memory.allocations === 0);
    const before = capabilities().memory.inUseBytes;
    (() => {
      for (let i = 0; i < 200; i++) SecureBuffer.alloc(1000).bytes.fill(1);
    })();
    expect(capabilities().memory.inUseBytes).toBeGreaterThanOrEqual(before + 200_000);
    await collect(() => capabilities().memory.inUseBytes <= before);
    expect(capabilities().memory.inUseBytes).toBeLessThanOrEqual(before);
  });
});

test("strict memory shows in capabilities and is taken back", () => {
  expect(capabilities().memory.strict).toBe(false);
  try {
    setStrictMemory(true);
    expect(capabilities().memory.strict).toBe(true);
  } finally {
    setStrictMemory(false);
  }
  expect(capabilities().memory.strict).toBe(false);
  Secret.random(32).dispose();
});
