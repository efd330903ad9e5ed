import { afterAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Context, TinyMlsError, type ContextSuite } from "tinymls";
import { openFrame, sealFrame } from "../context/reference.js";

const secret = Buffer.alloc(32, 11);
const sender = Buffer.from("8 octets");
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((octets) => Buffer.from(octets));
const suites = ["AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305"] as const satisfies readonly ContextSuite[];
const ratchets = ["aes-ctr", "hkdf-sha256"] as const;

const receiver = new Context({ secret, maxStepAhead: 2 ** 24 - 1, maxEpochSkip: 3, stateLifetime: 2 ** 34 });
const peers = suites.map((suite) => [new Context({ secret, suite }), new Context({ secret, suite })] as const);
afterAll(() => [receiver, ...peers.flat()].forEach((context) => context.close()));

test("any text and aad, in any suite: a frame opens again, and under no other aad", () => {
  fc.assert(
    fc.property(fc.nat(2), bytes(3000), bytes(100), bytes(100), (suite, text, aad, other) => {
      const [from, to] = peers[suite]!;
      const frame = from.encrypt(text, { aad });
      expect(openFrame({ secret, ratchet: "aes-ctr" }, frame, aad)).toEqual(text);
      expect(to.decrypt(frame, { aad })).toEqual(text);
      if (!aad.equals(other)) expect(() => to.decrypt(frame, { aad: other })).toThrow(TinyMlsError);
    }),
  );
});

test("any field values, in any order of steps: what the format says is opened", () => {
  const fields = fc.record({
    suite: fc.constant(2 as const),
    epoch: fc.nat(3),
    step: fc.oneof(
      fc.nat(2 ** 24 - 1),
      fc.nat(5),
      fc.nat(5).map((n) => 2 ** 24 - 1 - n),
    ),
    sequence: fc.maxSafeNat().map((n) => n % 2 ** 48),
    sender: fc.uint8Array({ minLength: 8, maxLength: 8 }).map((octets) => Buffer.from(octets)),
  });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fields, bytes(80), bytes(30)), { maxLength: 12 }),
      fc.constantFrom(...ratchets),
      (all, ratchet) => {
        using context = new Context({
          secret,
          ratchet,
          maxStepAhead: 2 ** 24 - 1,
          ratchetPeriod: 1,
          stateLifetime: 2 ** 34,
        });
        for (const [frame, text, aad] of all)
          expect(context.decrypt(sealFrame({ secret, ratchet }, frame, text, aad), { aad })).toEqual(text);
      },
    ),
    { numRuns: 50 },
  );
});

test("no octets at all make it fail in any other way than with a typed error, or change its state", () => {
  const valid = sealFrame(
    { secret, ratchet: "aes-ctr" },
    { suite: 2, epoch: 0, step: 0, sender, sequence: 1 },
    secret,
    secret,
  );
  const frameLike = fc
    .tuple(fc.constantFrom(...Array.from({ length: 32 }, (_, i) => i)), bytes(70))
    .map(([kept, rest]) => Buffer.concat([valid.subarray(0, kept), rest]));
  const state = () => {
    const { epoch, retainedEpochs, retainedNodes, rotations } = receiver.metrics();
    return { epoch, retainedEpochs, retainedNodes, rotations };
  };
  const before = state();
  fc.assert(
    fc.property(fc.oneof(bytes(120), frameLike), (frame) => {
      const out = Buffer.alloc(frame.length, 0xee);
      try {
        receiver.decryptInto(frame, out);
        return false;
      } catch (error) {
        expect(error).toBeInstanceOf(TinyMlsError);
        expect(["malformed", "undecryptable", "invalid", "expired"]).toContain((error as TinyMlsError).code);
      }
      expect(out.every((octet) => octet === 0 || octet === 0xee)).toBe(true);
      return true;
    }),
    { numRuns: 500 },
  );
  expect(state()).toEqual(before);
});

test("the replay window opens each frame once, unless it is too old to tell", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.array(fc.nat(600), { maxLength: 120 }), (replayWindow, order) => {
      using context = new Context({ secret, replayWindow });
      const seen = new Set<number>();
      let highest = 0;
      for (const sequence of order) {
        const frame = sealFrame(
          { secret, ratchet: "aes-ctr" },
          { suite: 2, epoch: 0, step: 0, sender, sequence },
          sender,
          sender,
        );
        const fresh = !seen.has(sequence) && sequence > highest - replayWindow;
        const [result] = context.decryptBatch([frame], { aad: sender });
        if (fresh) expect(result).toEqual(sender);
        else expect(result).toMatchObject({ code: "invalid", rule: "replay" });
        seen.add(sequence);
        highest = Math.max(highest, fresh ? sequence : 0);
      }
    }),
    { numRuns: 60 },
  );
});

test("batches agree with single operations", () => {
  const [from, to] = peers[1]!;
  fc.assert(
    fc.property(fc.array(bytes(200), { maxLength: 30 }), bytes(20), fc.nat(), (texts, aad, pick) => {
      const frames = from.encryptBatch(texts, { aad });
      expect(frames.map((frame) => to.decrypt(frame, { aad }))).toEqual(texts);
      if (frames.length > 0) frames[pick % frames.length]!.fill(0xff, 30);
      expect(to.decryptBatch(frames, { aad }).filter((result) => result instanceof TinyMlsError)).toHaveLength(
        Math.min(1, frames.length),
      );
    }),
  );
});
