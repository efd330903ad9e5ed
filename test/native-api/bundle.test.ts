// Octets with secrets behind them, opened in one call.
import { expect, test } from "@jest/globals";
import { bundleParts, type OpenedBundle } from "#dist/native/bundle.js";
import { decodeSecret, disposeSecrets } from "#dist/native/secret.js";
import { aead, PrivateKey, Secret } from "tinymls/crypto";
import { heldHandles } from "../held-handles.js";
import { refuses } from "./expect.js";

const octets = Buffer.from("00112233445566778899aabbccddeeff", "hex");
const nonce = Buffer.alloc(12, 1);
const aad = Buffer.from("associated data");
const cipher = aead.cipher("AES-256-GCM", Buffer.alloc(32, 2));

const bigEndian = (value: number): Buffer => {
  const four = Buffer.alloc(4);
  four.writeUInt32BE(value);
  return four;
};

function open(plaintext: Uint8Array | Secret): OpenedBundle {
  return cipher.openBundle(nonce, aad, cipher.seal(nonce, aad, plaintext));
}

test.each([[[]], [[0]], [[16]], [[3, 0, 4, 1]], [Array<number>(200).fill(0)], [Array<number>(3000).fill(2)]])(
  "secrets of %j octets",
  (lengths) => {
    let at = 0;
    const own = lengths.map((length) => Secret.from(octets.subarray(at % 9, (at++ % 9) + length)));
    for (const bytes of [Buffer.alloc(0), octets, Buffer.alloc(70_000, 5)]) {
      const before = heldHandles();
      using joined = Secret.concat(bundleParts({ bytes, secrets: own }));
      const opened = open(joined);
      expect(heldHandles()).toBe(before + 1 + lengths.length);
      expect(opened.bytes).toEqual(bytes);
      expect(opened.secrets).toHaveLength(lengths.length);
      for (const [i, secret] of opened.secrets.entries()) expect(secret.equals(own[i]!)).toBe(true);
      disposeSecrets([undefined, ...opened.secrets, ...opened.secrets, undefined]);
      expect(heldHandles()).toBe(before + 1);
      for (const secret of opened.secrets) refuses("usage", () => secret.byteLength);
    }
    disposeSecrets(own);
  },
);

test("a private key among the secrets comes back as its octets", () => {
  using raw = Secret.random(32);
  using key = PrivateKey.fromSecret("Ed25519", raw);
  using joined = Secret.concat(bundleParts({ bytes: octets, secrets: [key] }));
  const { secrets } = open(joined);
  expect(secrets.map((secret) => secret.equals(raw))).toEqual([true]);
});

test("secrets of an array come back as one", () => {
  using key = PrivateKey.import("Ed25519", Buffer.alloc(32, 3));
  const own = [5, 0, 11].map((length) => Secret.from(octets.subarray(0, length)));
  using joined = Secret.concat(bundleParts({ bytes: octets, secrets: [own[0]!, [...own, key], [], own[2]!] }));
  const { bytes, secrets } = open(joined);
  const expected = [
    octets.subarray(0, 5),
    Buffer.concat([octets.subarray(0, 5), octets.subarray(0, 11), Buffer.alloc(32, 3)]),
  ];
  expect(bytes).toEqual(octets);
  for (const [at, wanted] of [...expected, Buffer.alloc(0), octets.subarray(0, 11)].entries()) {
    decodeSecret(secrets[at]!, (scratch) => expect(Buffer.from(scratch)).toEqual(wanted));
  }
  disposeSecrets([...own, ...secrets]);
});

test("nothing of the secrets stands in the memory of the octets", () => {
  using secret = Secret.random(32);
  using joined = Secret.concat(bundleParts({ bytes: octets, secrets: [secret] }));
  const { bytes } = open(joined);
  const needle = Buffer.alloc(32);
  decodeSecret(secret, (scratch) => needle.set(scratch));
  expect(Buffer.from(bytes.buffer).includes(bytes)).toBe(true);
  expect(Buffer.from(bytes.buffer).includes(needle)).toBe(false);
});

test.each([
  ["without a head", Buffer.alloc(7)],
  ["whose octets end behind it", Buffer.concat([bigEndian(17), bigEndian(0), octets])],
  ["whose octets have an absurd length", Buffer.concat([bigEndian(2 ** 32 - 1), bigEndian(0), octets])],
  ["whose list of lengths ends behind it", Buffer.concat([bigEndian(0), bigEndian(5), octets])],
  ["of absurdly many secrets", Buffer.concat([bigEndian(0), bigEndian(2 ** 32 - 1), octets])],
  ["whose second secret ends behind it", Buffer.concat([...[0, 2, 16, 1].map(bigEndian), octets])],
  ["whose secret has an absurd length", Buffer.concat([...[0, 2, 4, 2 ** 32 - 1].map(bigEndian), octets])],
  ["with something behind its secrets", Buffer.concat([...[0, 1, 15].map(bigEndian), octets])],
])("a plaintext %s is malformed, and leaves no handle", (_, plaintext) => {
  const before = heldHandles();
  refuses("malformed", () => open(plaintext));
  expect(heldHandles()).toBe(before);
});

test("what was changed is undecryptable, and leaves no handle", () => {
  using secret = Secret.from(octets);
  using joined = Secret.concat(bundleParts({ bytes: octets, secrets: [secret] }));
  const sealed = cipher.seal(nonce, aad, joined);
  const before = heldHandles();
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed);
    changed[at]! ^= 1;
    refuses("undecryptable", () => cipher.openBundle(nonce, aad, changed));
  }
  for (let length = 0; length < sealed.length; length++) {
    refuses("undecryptable", () => cipher.openBundle(nonce, aad, sealed.subarray(0, length)));
  }
  refuses("undecryptable", () => cipher.openBundle(nonce, octets, sealed));
  refuses("usage", () => cipher.openBundle(octets, aad, sealed));
  refuses("usage", () => cipher.openBundle(nonce, aad, "text" as never));
  expect(heldHandles()).toBe(before);
});
