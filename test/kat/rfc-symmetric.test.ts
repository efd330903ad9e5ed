import { expect, test } from "@jest/globals";
import { aead, argon2id, hash, hkdf, hmac, hmacVerify, Secret } from "tinymls/crypto";
import { hex } from "./wycheproof.js";

const none = Buffer.alloc(0);

test.each([
  ["SHA-256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  ["SHA-384", "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"],
  [
    "SHA-512",
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
  ],
] as const)("FIPS 180-4: %s of abc, whole and in parts", (algorithm, digest) => {
  expect(hash(algorithm, Buffer.from("abc")).toString("hex")).toBe(digest);
  expect(hash(algorithm, Buffer.from("a"), none, Buffer.from("bc")).toString("hex")).toBe(digest);
});

test("RFC 4231 §4.3: HMAC with a key shorter than the digest", () => {
  const key = Buffer.from("Jefe");
  const data = Buffer.from("what do ya want for nothing?");
  const tag = hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  expect(hmac("SHA-256", key, data)).toEqual(tag);
  expect(hmac("SHA-256", Secret.from(key), data.subarray(0, 5), data.subarray(5))).toEqual(tag);
  expect(hmacVerify("SHA-256", key, tag, data)).toBe(true);
  expect(hmacVerify("SHA-256", key, tag.subarray(0, 16), data)).toBe(false);
  expect(hmacVerify("SHA-256", key, none, data)).toBe(false);
});

const octets = (first: number, last: number) =>
  Buffer.from(Array.from({ length: last - first + 1 }, (_, i) => first + i));

test.each([
  {
    case: "A.1",
    ikm: Buffer.alloc(22, 0x0b),
    salt: octets(0, 12),
    info: octets(0xf0, 0xf9),
    prk: "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
    okm: "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
  },
  {
    case: "A.2",
    ikm: octets(0, 0x4f),
    salt: octets(0x60, 0xaf),
    info: octets(0xb0, 0xff),
    prk: "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
    okm: "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
  },
  {
    case: "A.3",
    ikm: Buffer.alloc(22, 0x0b),
    salt: none,
    info: none,
    prk: "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
    okm: "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
  },
])("RFC 5869 $case", ({ ikm, salt, info, prk, okm }) => {
  const extracted = hkdf.extract("SHA-256", salt, ikm);
  expect(extracted.equals(hex(prk))).toBe(true);
  expect(hkdf.extract("SHA-256", Secret.from(salt), Secret.from(ikm)).equals(extracted)).toBe(true);
  expect(hkdf.expand("SHA-256", extracted, info, okm.length / 2).equals(hex(okm))).toBe(true);
});

test("RFC 8446 §7.1 on the trace of RFC 8448 §3: early secret and its derived secret", () => {
  const early = hkdf.extract("SHA-256", none, Buffer.alloc(32));
  expect(early.equals(hex("33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a"))).toBe(true);
  const derived = hkdf.expandLabel("SHA-256", early, "tls13 derived", hash("SHA-256"), 32, "tls13");
  expect(derived.equals(hex("6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba"))).toBe(true);
});

test("RFC 9420 §8: the MLS label framing is HKDF-Expand of the length, the label and the context", () => {
  const secret = Secret.from(Buffer.alloc(32, 7));
  const context = Buffer.alloc(100, 9); // its length takes two octets: 0x40, 100
  const label = Buffer.from("MLS 1.0 welcome");
  const info = Buffer.concat([hex("0010"), Buffer.from([label.length]), label, hex("4064"), context]);
  const expected = hkdf.expand("SHA-256", secret, info, 16);
  expect(hkdf.expandLabel("SHA-256", secret, "MLS 1.0 welcome", context, 16, "mls").equals(expected)).toBe(true);
  expect(hkdf.expandLabel("SHA-256", secret, label, context, 16, "mls").equals(expected)).toBe(true);
});

test("GCM specification, test cases 4 and 16", () => {
  const plaintext = hex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
  );
  const aad = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const nonce = hex("cafebabefacedbaddecaf888");
  const key = hex("feffe9928665731c6d6a8f9467308308");
  expect(aead.seal("AES-128-GCM", key, nonce, aad, plaintext).toString("hex")).toBe(
    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47",
  );
  expect(aead.seal("AES-256-GCM", Buffer.concat([key, key]), nonce, aad, plaintext).toString("hex")).toBe(
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
  );
});

test("nonceXor is XORed onto the leading octets of the nonce", () => {
  const key = Secret.random(32);
  const nonce = hex("000102030405060708090a0b");
  const masked = hex("ff00ff030405060708090a0b");
  const mask = hex("ff01fd");
  const sealed = aead.seal("AES-256-GCM", key, nonce, none, Buffer.from("text"), mask);
  expect(sealed).toEqual(aead.seal("AES-256-GCM", key, masked, none, Buffer.from("text")));
  expect(aead.open("AES-256-GCM", key, masked, none, sealed).toString()).toBe("text");
  expect(aead.openSecret("AES-256-GCM", key, Secret.from(nonce), none, sealed, mask).equals(Buffer.from("text"))).toBe(
    true,
  );
  const cipher = aead.cipher("AES-256-GCM", key);
  expect(cipher.seal(nonce, none, Buffer.from("text"), mask)).toEqual(sealed);
  expect(() => cipher.seal(nonce, none, none, Buffer.alloc(13))).toThrow(expect.objectContaining({ code: "usage" }));
});

// RFC 9106's own answers use a secret and associated data; these come from the reference implementation's test.c.
test.each([
  [65536, 2, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"],
  [256, 2, "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"],
] as const)(
  "Argon2id with %i KiB, %i passes: the reference implementation's answer",
  async (memoryKiB, passes, answer) => {
    const salt = Buffer.from("somesalt");
    for (const passphrase of ["password", Buffer.from("password")])
      expect((await argon2id(passphrase, { salt, memoryKiB, passes })).equals(hex(answer))).toBe(true);
  },
);
