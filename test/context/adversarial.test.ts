// Each bad frame: a typed error, nothing changed, the output untouched or wiped.
import { afterAll, beforeEach, describe, expect, test } from "@jest/globals";
import { Context, TinyMlsError, type ContextMetrics } from "tinymls";
import { sealFrame } from "./reference.js";
import { codeOf, sleep } from "./support.js";

const secret = Buffer.alloc(32, 9);
const aad = Buffer.from("aad");
const text = Buffer.from("some plaintext that must not leak");
const sender = Buffer.from("attacker");

let alice: Context;
let bob: Context;
const opened: Context[] = [];
function context(options?: ConstructorParameters<typeof Context>[0]): Context {
  const made = new Context(options);
  opened.push(made);
  return made;
}
beforeEach(() => {
  alice = context({ secret });
  bob = context({ secret, replayWindow: 128 });
});
afterAll(() => opened.forEach((made) => made.close()));

function stateOf({ epoch, retainedEpochs, retainedNodes, rotations, expiredEpochs, opened }: ContextMetrics) {
  return { epoch, retainedEpochs, retainedNodes, rotations, expiredEpochs, opened: opened.operations };
}

/** Refused by each way of opening, with the same code; the state is as before, and no octet of the plaintext is in the output. */
async function refused(receiver: Context, frame: Uint8Array, code: string, rule?: string, data: Uint8Array = aad) {
  const before = stateOf(receiver.metrics());
  const out = Buffer.alloc(Math.max(0, frame.length - 39) + 8, 0xee);
  let error: unknown;
  try {
    receiver.decryptInto(frame, out, data);
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(TinyMlsError);
  const { message, ...rest } = error as TinyMlsError;
  expect({ ...rest, message }).toMatchObject({
    code,
    operation: "Context.decryptInto",
    component: "context",
    fatal: false,
  });
  expect((error as TinyMlsError).rule).toBe(rule);
  const written = out.subarray(0, -8);
  expect(written.every((octet) => octet === 0xee) || written.every((octet) => octet === 0)).toBe(true);
  expect(out.subarray(-8)).toEqual(Buffer.alloc(8, 0xee));

  expect(codeOf(() => receiver.decrypt(frame, { aad: data }))).toBe(code);
  const [inBatch] = receiver.decryptBatch([frame], { aad: data });
  expect(inBatch).toMatchObject({ code });
  await expect(receiver.decryptAsync(frame, { aad: data })).rejects.toMatchObject({ code });
  expect(stateOf(receiver.metrics())).toEqual(before);
  expect(receiver.state).toBe("ready");
  return message;
}

describe("frames", () => {
  test("truncated at every length", async () => {
    const frame = alice.encrypt(text, { aad });
    for (let length = 0; length < frame.length; ++length)
      await refused(bob, frame.subarray(0, length), length < 39 ? "malformed" : "undecryptable");
    expect(bob.decrypt(frame, { aad })).toEqual(text);
  });

  test("extended", async () => {
    const frame = alice.encrypt(text, { aad });
    await refused(bob, Buffer.concat([frame, Buffer.alloc(1)]), "undecryptable");
    await refused(bob, Buffer.concat([frame, frame]), "undecryptable");
  });

  test("each bit flipped; whatever cannot be decrypted looks the same", async () => {
    const frame = alice.encrypt(text, { aad });
    const messages = new Set<string>();
    for (let bit = 0; bit < frame.length * 8; ++bit) {
      const flipped = Buffer.from(frame);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const { code, rule } = expected(flipped);
      const message = await refused(bob, flipped, code, rule);
      if (code === "undecryptable") messages.add(message);
    }
    expect(messages).toEqual(new Set(["Context.decryptInto: decryption or authentication failed"]));
    expect(bob.decrypt(frame, { aad })).toEqual(text);
  });

  function expected(frame: Buffer): { code: string; rule?: string } {
    const suite = frame[0]! & 15;
    if (frame[0]! >> 4 !== 1 || suite === 0 || suite > 3 || frame[5]! !== 0) return { code: "malformed" };
    if (suite !== 2) return { code: "invalid", rule: "suite" };
    const ahead = frame.readUInt32BE(1) > 64 || frame.readUInt32BE(5) > 864_010;
    return ahead ? { code: "invalid", rule: "ahead" } : { code: "undecryptable" };
  }

  test("with another aad, or none", async () => {
    const frame = alice.encrypt(text, { aad });
    await refused(bob, frame, "undecryptable", undefined, Buffer.from("aae"));
    await refused(bob, frame, "undecryptable", undefined, Buffer.alloc(0));
    await refused(bob, alice.encrypt(text), "undecryptable");
  });

  test("moved octets between aad and text", async () => {
    const frame = alice.encrypt(text, { aad });
    const moved = Buffer.concat([frame.subarray(0, 23), frame.subarray(24)]);
    await refused(bob, moved, "undecryptable", undefined, Buffer.concat([aad, frame.subarray(23, 24)]));
  });

  test("of another Context", async () => {
    await refused(bob, context({ secret: Buffer.alloc(32, 10) }).encrypt(text, { aad }), "undecryptable");
    await refused(bob, context().encrypt(text, { aad }), "undecryptable");
    await refused(context(), alice.encrypt(text, { aad }), "undecryptable");
  });

  test("of another suite or ratchet", async () => {
    await refused(bob, context({ secret, suite: "AES-128-GCM" }).encrypt(text, { aad }), "invalid", "suite");
    await refused(bob, context({ secret, ratchet: "hkdf-sha256" }).encrypt(text, { aad }), "undecryptable");
  });

  test("replayed", async () => {
    const frame = alice.encrypt(text, { aad });
    expect(bob.decrypt(frame, { aad })).toEqual(text);
    await refused(bob, frame, "invalid", "replay");
    const damaged = Buffer.from(frame);
    damaged[30]! ^= 1;
    await refused(bob, damaged, "undecryptable");
  });

  test("expired: of an erased step, and of an erased epoch", async () => {
    const short = context({ secret, stateLifetime: 60, ratchetPeriod: 20, gcInterval: 10 });
    const frame = short.encrypt(text, { aad });
    expect(short.decrypt(frame, { aad })).toEqual(text);
    await sleep(120);
    short.encrypt("rotates");
    await sleep(60);
    await expired(short, frame);
    const forged = Buffer.from(frame);
    forged.fill(0, 23);
    await expired(short, forged);
  });

  // The state of a Context this short-lived goes on by itself.
  async function expired(receiver: Context, frame: Buffer) {
    const out = Buffer.alloc(text.length, 0xee);
    expect(codeOf(() => receiver.decryptInto(frame, out, aad))).toBe("expired");
    expect(out).toEqual(Buffer.alloc(text.length, 0xee));
    await expect(receiver.decryptAsync(frame, { aad })).rejects.toMatchObject({ code: "expired" });
  }

  test("from the future, forged", async () => {
    const ours = { secret, ratchet: "aes-ctr" } as const;
    const theirs = { ...ours, secret: Buffer.alloc(32, 1) };
    const fields = { suite: 2, sender, sequence: 0 } as const;
    for (const [epoch, step] of [
      [0, 5_000],
      [1, 0],
      [64, 0],
      [3, 800_000],
    ] as const)
      await refused(bob, sealFrame(theirs, { ...fields, epoch, step }, text, aad), "undecryptable");
    for (const [epoch, step] of [
      [65, 0],
      [2 ** 32 - 1, 0],
      [0, 864_100],
      [0, 2 ** 24 - 1],
      [2, 2 ** 24 - 1],
    ] as const) {
      const frame = sealFrame(ours, { ...fields, epoch: 0, step }, text, aad);
      frame.writeUInt32BE(epoch, 1);
      await refused(bob, frame, "invalid", "ahead");
    }
    expect(bob.decrypt(sealFrame(ours, { ...fields, epoch: 2, step: 7 }, text, aad), { aad })).toEqual(text);
    expect(bob.epoch).toBe(2);
  });

  test("that a Context with keys of its own would have to follow", async () => {
    const own = context();
    const frame = own.encrypt(text, { aad });
    frame.writeUInt32BE(1, 1);
    await refused(own, frame, "invalid", "ahead");
  });
});

describe("arguments", () => {
  const cases: [string, (c: Context) => unknown, RegExp][] = [
    ["a plaintext that is no bytes", (c) => c.encrypt(5 as never), /plaintext must be/],
    ["a frame that is text", (c) => c.decrypt("x" as never), /frame must be/],
    ["no plaintext", (c) => c.encryptInto(undefined as never, Buffer.alloc(50)), /plaintext must be/],
    ["no output", (c) => c.encryptInto(text, undefined as never), /out must be/],
    ["a wrong aad", (c) => c.encryptInto(text, Buffer.alloc(100), "aad" as never), /aad must be/],
    ["a small output to seal", (c) => c.encryptInto(text, Buffer.alloc(71)), /72 bytes are needed, 71 are there/],
    [
      "a small output to open",
      (c) => c.decryptInto(Buffer.alloc(50, 0x12).fill(0, 1), Buffer.alloc(10)),
      /11 bytes are needed, 10/,
    ],
    ["an item that is no bytes", (c) => c.encryptBatch([text, null as never]), /item 1 must be/],
    ["an aad of an item that is none", (c) => c.encryptBatch([text], { aad: ["x" as never] }), /aad of item 0/],
    ["entropy that is no bytes", (c) => c.rotateKey({ entropy: "dice" as never }), /entropy must be/],
    ["entropy for a shared secret", () => alice.rotateKey({ entropy: text }), /peers could not follow/],
    ["a forged token", () => Context.attach({} as never), /must come from Context.share/],
    ["a chunk size", (c) => c.createEncryptStream({ chunkSize: 0 }), /chunkSize must be an integer from 1/],
  ];
  test.each(cases)("%s", (_name, use, message) => {
    const own = context();
    expect(() => use(own)).toThrow(expect.objectContaining({ code: "usage", message: expect.stringMatching(message) }));
    expect(own.epoch).toBe(0);
    expect(own.state).toBe("ready");
  });

  test("memory that overlaps", () => {
    const own = context();
    const memory = Buffer.alloc(200, 5);
    expect(codeOf(() => own.encryptInto(memory.subarray(0, 50), memory))).toBe("usage");
    expect(codeOf(() => own.encryptInto(memory.subarray(24, 74), memory))).toBe("usage");
    expect(codeOf(() => own.encryptInto(Buffer.alloc(1), memory, memory.subarray(10, 20)))).toBe("usage");
    expect(memory).toEqual(Buffer.alloc(200, 5));
  });

  test("detached memory", () => {
    const own = context();
    const gone = new Uint8Array(100);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    expect(codeOf(() => own.encryptInto(text, gone))).toBe("usage");
    expect(["usage", "malformed"]).toContain(codeOf(() => own.decrypt(gone)));
  });
});
