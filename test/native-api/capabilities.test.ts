import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { aead, argon2id, capabilities, hash, Secret, signature, type SignatureAlgorithm } from "tinymls/crypto";
import { heldHandles } from "../held-handles.js";
import { refusal } from "./expect.js";

test("it names this Node, its OpenSSL and this platform", () => {
  const { node, platform, opensslVersion } = capabilities();
  expect(node).toBe(process.version);
  expect(platform).toBe(`${process.platform}-${process.arch}`);
  expect(opensslVersion).toContain(process.versions.openssl.replace(/\+quic$/, "").replace(/-.*$/, ""));
});

test("an algorithm works if, and only if, it is offered", () => {
  const { algorithms } = capabilities();
  for (const name of ["SHA-256", "SHA-384", "SHA-512"] as const) {
    expect(algorithms[name]).toBe(true);
    expect(hash(name).length).toBeGreaterThan(0);
  }
  for (const name of ["AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305"] as const) {
    expect(algorithms[name]).toBe(true);
    aead.cipher(name, Buffer.alloc(name === "AES-128-GCM" ? 16 : 32)).dispose();
  }
  const signatures: SignatureAlgorithm[] = [
    "Ed25519",
    "Ed448",
    "ECDSA-P256",
    "ECDSA-P384",
    "ECDSA-P521",
    "ML-DSA-65",
    "ML-DSA-87",
  ];
  for (const name of signatures) {
    if (algorithms[name]) expect(signature.generateKeyPair(name).publicKey.length).toBeGreaterThan(0);
    else expect(refusal(() => signature.generateKeyPair(name)).code).toBe("config");
  }
});

test("the processor's features agree with the system's own list", () => {
  const { cpu } = capabilities();
  if (process.platform !== "linux" || process.arch !== "x64") {
    for (const present of Object.values(cpu)) expect(typeof present).toBe("boolean");
    return;
  }
  const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))![1]!.trim().split(" "));
  const names = {
    "AES-NI": "aes",
    PCLMULQDQ: "pclmulqdq",
    "SHA-NI": "sha_ni",
    AVX: "avx",
    AVX2: "avx2",
    VAES: "vaes",
    ADX: "adx",
  };
  for (const [name, flag] of Object.entries(names)) expect([name, cpu[name]]).toEqual([name, flags.has(flag)]);
});

test("secrets show in the memory's figures while they live", () => {
  const before = capabilities().memory;
  const secret = Secret.random(1000);
  const during = capabilities().memory;
  expect(during.allocations).toBe(before.allocations + 1);
  expect(during.inUseBytes).toBeGreaterThanOrEqual(before.inUseBytes + 1000);
  secret.dispose();
  expect(capabilities().memory.allocations).toBe(before.allocations);
});

const salt = Buffer.from("0123456789abcdef");

test("argon2id agrees with another implementation, for text and for bytes", async () => {
  const { hash: other, argon2id: type } = await import("argon2");
  for (const { memoryKiB, passes, lanes, length } of [
    { memoryKiB: 64, passes: 1, lanes: 1, length: 32 },
    { memoryKiB: 256, passes: 3, lanes: 4, length: 16 },
    { memoryKiB: 1024, passes: 2, lanes: 2, length: 64 },
  ]) {
    const options = {
      type,
      raw: true,
      salt,
      memoryCost: memoryKiB,
      timeCost: passes,
      parallelism: lanes,
      hashLength: length,
    };
    const expected = await other("pässword", options as typeof options & { raw: true });
    for (const passphrase of ["pässword", Buffer.from("pässword")]) {
      const derived = await argon2id(passphrase, { salt, memoryKiB, passes, lanes, length });
      expect(derived.equals(expected)).toBe(true);
    }
  }
});

test("argon2id takes an empty passphrase and leaves the caller's bytes alone", async () => {
  const passphrase = Buffer.from("bytes of the caller");
  const copy = Buffer.from(passphrase);
  const [a, b] = await Promise.all([
    argon2id("", { salt, memoryKiB: 64 }),
    argon2id(passphrase, { salt, memoryKiB: 64 }),
  ]);
  expect(a.equals(b)).toBe(false);
  expect(passphrase).toEqual(copy);
});

test("argon2id refuses what is out of range and leaves no handle", async () => {
  const before = heldHandles();
  const wrong: unknown[] = [
    undefined,
    {},
    { salt: Buffer.alloc(7) },
    { salt: "saltsalt" },
    { salt, memoryKiB: 7 },
    { salt, memoryKiB: 2 ** 23 },
    { salt, passes: 0 },
    { salt, lanes: 0 },
    { salt, lanes: 256, memoryKiB: 4096 },
    { salt, length: 3 },
    { salt, length: 1025 },
    { salt, length: 1.5 },
  ];
  for (const options of wrong)
    await expect(argon2id("password", options as { salt: Buffer })).rejects.toMatchObject({ code: "usage" });
  await expect(argon2id(5 as unknown as string, { salt })).rejects.toMatchObject({ code: "usage" });
  expect(heldHandles()).toBe(before);
});

test("argon2id leaves the event loop free", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await argon2id("password", { salt, memoryKiB: 32768, passes: 3 });
  clearInterval(timer);
  expect(turns).toBeGreaterThan(5);
});
