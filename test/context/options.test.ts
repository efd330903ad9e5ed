import { expect, test } from "@jest/globals";
import { Context, type ContextOptions } from "tinymls";
import { capabilities, Secret } from "tinymls/crypto";
import { heldHandles } from "../held-handles.js";

const day = 24 * 60 * 60 * 1000;

const refusals: [ContextOptions | object, RegExp][] = [
  [{ suite: "AES-192-GCM" }, /suite must be one of "AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305"/],
  [{ ratchet: "md5" }, /ratchet must be one of/],
  [{ ratchetPeriod: -1 }, /ratchetPeriod must be an integer from 0 to 31536000000, not -1/],
  [{ ratchetPeriod: 1.5 }, /ratchetPeriod/],
  [{ ratchetPeriod: 2 * day }, /ratchetPeriod must be at most stateLifetime \(86400000\)/],
  [{ stateLifetime: 0 }, /stateLifetime must be an integer from 1/],
  [{ stateLifetime: Infinity }, /stateLifetime/],
  [{ gcInterval: 1 }, /gcInterval must be an integer from 10/],
  [{ minKeyRotation: 100, maxKeyAge: 50 }, /minKeyRotation must be at most maxKeyAge \(50\)/],
  [{ maxKeyAge: 0 }, /maxKeyAge/],
  [{ maxOperations: 0 }, /maxOperations must be an integer from 1/],
  [{ maxEpochSkip: 65_537 }, /maxEpochSkip must be an integer from 0 to 65536/],
  [{ maxStepAhead: 2 ** 24 }, /maxStepAhead must be an integer from 0 to 16777215/],
  [{ replayWindow: "64" }, /replayWindow must be an integer from 0 to 16777216, not "64"/],
  [{ timingJitter: 5 }, /timingJitter must be an object/],
  [{ timingJitter: {} }, /timingJitter must be an object with maxMicros/],
  [{ timingJitter: null }, /timingJitter must be an object with maxMicros/],
  [{ name: 5 }, /name must be a string, not 5/],
  [{ logger: { info: () => undefined } }, /logger must have the methods debug, info, warn and error/],
  [{ timingJitter: { maxMicros: 2_000_000 } }, /timingJitter.maxMicros must be an integer from 0 to 1000000/],
  [{ keySize: 16 }, /keySize must be 32 for AES-256-GCM, not 16/],
  [{ suite: "AES-128-GCM", keySize: 32 }, /keySize must be 16 for AES-128-GCM/],
  [{ nonceSize: 16 }, /nonceSize must be 12/],
  [{ secret: Buffer.alloc(15) }, /secret must have at least 16 bytes, not 15/],
  [{ secret: "password" }, /secret must be a Secret or a Uint8Array/],
  [{ secret: Buffer.alloc(32), entropySource: () => Buffer.alloc(1) }, /entropySource cannot be combined with secret/],
  [{ entropySource: 5 }, /entropySource must be a function/],
  [{ fips: "yes" }, /fips must be true or false/],
  [{ fips: true, suite: "CHACHA20-POLY1305" }, /not approved for FIPS/],
];

test.each(refusals)("%j is refused, and says what is allowed", (options, message) => {
  const before = heldHandles();
  expect(() => new Context(options as ContextOptions)).toThrow(
    expect.objectContaining({ code: "usage", message: expect.stringMatching(message) }),
  );
  expect(heldHandles()).toBe(before);
});

test.each([
  { entropySource: () => "dice" as never },
  { entropySource: () => Buffer.alloc(0) },
  {
    entropySource: () => {
      throw new Error("no dice");
    },
  },
])("an entropy source that gives none is a config error", (options) => {
  expect(() => new Context(options)).toThrow(expect.objectContaining({ code: "config" }));
});

test("the checked sizes of each suite are taken", () => {
  for (const options of [
    { suite: "AES-128-GCM", keySize: 16, nonceSize: 12 },
    { suite: "AES-256-GCM", keySize: 32, nonceSize: 12 },
    { suite: "CHACHA20-POLY1305", keySize: 32 },
  ] as const) {
    using context = new Context(options);
    expect(context.decrypt(context.encrypt("x")).toString()).toBe("x");
  }
});

test("a disposed secret is refused", () => {
  const secret = Secret.random(32);
  secret.dispose();
  expect(() => new Context({ secret })).toThrow(expect.objectContaining({ code: "usage" }));
});

test("one bound alone moves the other", () => {
  for (const options of [{ maxKeyAge: 1000 }, { minKeyRotation: 3 * 60 * 60_000 }, { stateLifetime: 50 }]) {
    using context = new Context(options);
    const { nextRotationMs } = context.metrics();
    expect(nextRotationMs).toBeGreaterThan(0);
    expect(nextRotationMs).toBeLessThanOrEqual(
      Math.min(options.maxKeyAge ?? Infinity, options.stateLifetime ?? Infinity, 6 * 60 * 60_000),
    );
  }
});

test("fips works where the provider is there, and otherwise says what to install", () => {
  const before = heldHandles();
  if (!capabilities().fips) {
    const refusal = { code: "config", message: expect.stringMatching(/install OpenSSL's FIPS module/) };
    expect(() => new Context({ fips: true })).toThrow(expect.objectContaining(refusal));
    expect(() => new Context({ fips: true, secret: Secret.from(Buffer.alloc(32, 1)) })).toThrow(
      expect.objectContaining(refusal),
    );
    expect(heldHandles()).toBe(before + 1); // the Secret that was lent
    return;
  }
  const context = new Context({ fips: true });
  expect(context.decrypt(context.encrypt("x")).toString()).toBe("x");
  context.close();
});

test("timing jitter delays, and changes nothing else", () => {
  using context = new Context({ timingJitter: { maxMicros: 2000 } });
  using without = new Context();
  const time = (c: Context) => {
    const start = performance.now();
    for (let i = 0; i < 20; ++i) c.decrypt(c.encrypt("x"));
    return performance.now() - start;
  };
  time(without);
  expect(time(context)).toBeGreaterThan(5);
});
