// HPKE known answers: every entry of every file, both sides, all messages and exports.
import { describe, expect, test } from "@jest/globals";
import {
  hpke,
  kem,
  PrivateKey,
  Secret,
  TinyMlsError,
  type HpkeAead,
  type HpkeContext,
  type HpkeKdf,
  type HpkeOptions,
  type HpkeSuite,
  type KemAlgorithm,
} from "tinymls/crypto";
import { HpkeContext as Context } from "#dist/native/hpke-context.js";
import { encapsulateWith, type FixedRandomness } from "#dist/native/kem.js";
import { hpkeVectors, type HpkeVector } from "./hpke-vectors.js";
import { fetchCommand } from "./vectors.js";
import { hex } from "./wycheproof.js";

const kems: Record<number, KemAlgorithm> = {
  0x10: "DHKEM-P256",
  0x11: "DHKEM-P384",
  0x12: "DHKEM-P521",
  0x20: "DHKEM-X25519",
  0x21: "DHKEM-X448",
  0x40: "ML-KEM-512",
  0x41: "ML-KEM-768",
  0x42: "ML-KEM-1024",
  0x50: "MLKEM768-P256",
  0x51: "MLKEM1024-P384",
  0x647a: "MLKEM768-X25519",
};
const kdfs: Record<number, HpkeKdf> = {
  1: "SHA-256",
  2: "SHA-384",
  3: "SHA-512",
  0x10: "SHAKE128",
  0x11: "SHAKE256",
};
// Primitives come from OpenSSL, which has no TurboSHAKE (RFC 9861).
const kdfsOfNoOpenSsl = new Set([0x12, 0x13]);
const aeads: Record<number, HpkeAead> = {
  1: "AES-128-GCM",
  2: "AES-256-GCM",
  3: "CHACHA20-POLY1305",
  0xffff: "EXPORT-ONLY",
};

function suiteOf(entry: HpkeVector): HpkeSuite {
  const [name, kdf, aead] = [kems[entry.kem_id], kdfs[entry.kdf_id], aeads[entry.aead_id]];
  if (!name || !kdf || !aead) throw new Error(`unknown suite ${entry.kem_id} ${entry.kdf_id} ${entry.aead_id}`);
  return { kem: name, kdf, aead };
}

// What the sender drew at random.
function fixedRandomness({ kem: name }: HpkeSuite, { ikmE, sender_seed }: HpkeVector): FixedRandomness {
  const seed = hex(ikmE ?? sender_seed!);
  if (!name.startsWith("DHKEM")) return { randomness: seed };
  const raw = ikmE === undefined && name.startsWith("DHKEM-X");
  return { ephemeral: raw ? PrivateKey.import(name, seed) : kem.deriveKeyPair(name, Secret.from(seed)) };
}

function optionsOf({ kem: name }: HpkeSuite, entry: HpkeVector): HpkeOptions {
  const psk = entry.psk ? { psk: Secret.from(hex(entry.psk)), pskId: hex(entry.psk_id!) } : {};
  const auth = entry.skSm ? { authKey: PrivateKey.import(name, hex(entry.skSm)), authPublicKey: hex(entry.pkSm!) } : {};
  return { ...psk, ...auth };
}

function runMessages(entry: HpkeVector, sender: HpkeContext, receiver: HpkeContext): void {
  let sequence = 0;
  const skip = (until: number) => {
    for (; sequence < until; sequence++)
      expect(receiver.open(Buffer.alloc(0), sender.seal(Buffer.alloc(0), Buffer.alloc(0)))).toHaveLength(0);
  };
  for (const { sequence: number, aad, pt, ct } of entry.encryptions) {
    skip(number ?? sequence);
    expect(sender.seal(hex(aad), hex(pt)).toString("hex")).toBe(ct);
    expect(receiver.open(hex(aad), hex(ct)).toString("hex")).toBe(pt);
    sequence++;
  }
}

function run(entry: HpkeVector): void {
  const suite = suiteOf(entry);
  const key = kem.deriveKeyPair(suite.kem, Secret.from(hex(entry.ikmR)));
  expect(key.publicKey.toString("hex")).toBe(entry.pkRm);
  expect(PrivateKey.import(suite.kem, hex(entry.skRm)).publicKey).toEqual(key.publicKey);

  const options = optionsOf(suite, entry);
  const fixed = fixedRandomness(suite, entry);
  const info = hex(entry.info);
  const sender = Context.sender(suite, key.publicKey, info, options, fixed);
  expect(sender.enc.toString("hex")).toBe(entry.enc);
  const receiver = hpke.receiver(suite, key, hex(entry.enc), info, options);
  if (entry.shared_secret && entry.mode < 2) {
    expect(encapsulateWith(suite.kem, key.publicKey, fixed).sharedSecret.equals(hex(entry.shared_secret))).toBe(true);
    expect(kem.decapsulate(key, sender.enc).equals(hex(entry.shared_secret))).toBe(true);
  }
  runMessages(entry, sender, receiver);
  for (const { exporter_context, L, exported_value } of entry.exports) {
    for (const side of [sender, receiver])
      expect(side.export(hex(exporter_context), L).equals(hex(exported_value))).toBe(true);
    const single = hpke.exportReceiver(suite, key, sender.enc, info, hex(exporter_context), L, options);
    expect(single.equals(hex(exported_value))).toBe(true);
  }
  const first = entry.encryptions[0];
  if (first && !first.sequence)
    expect(hpke.open(suite, key, sender.enc, info, hex(first.aad), hex(first.ct), options).toString("hex")).toBe(
      first.pt,
    );
}

// ML-KEM is in OpenSSL from 3.5 on.
function absent(entry: HpkeVector): string | undefined {
  if (kdfsOfNoOpenSsl.has(entry.kdf_id)) return "OpenSSL does not offer TurboSHAKE";
  try {
    kem.deriveKeyPair(suiteOf(entry).kem, Secret.from(hex(entry.ikmR)));
    return undefined;
  } catch (error) {
    const missing = error instanceof TinyMlsError && error.code === "config";
    return missing ? `OpenSSL ${process.versions.openssl} does not offer the KEM` : undefined;
  }
}

const files = hpkeVectors();
if (![...files.keys()].some((file) => file.startsWith("hpke/")))
  test.skip(`hpke: not found, fetch it with ${fetchCommand}`, () => undefined);
for (const [file, entries] of files)
  describe(file, () => {
    test("has entries, each with messages or exports", () => {
      expect(entries.length).toBeGreaterThan(0);
      for (const entry of entries) expect(entry.encryptions.length + entry.exports.length).toBeGreaterThan(0);
    });
    entries.forEach((entry, index) => {
      const { mode, kem_id, kdf_id, aead_id } = entry;
      const name = `${file} ${index} mode ${mode}, kem ${kem_id}, kdf ${kdf_id}, aead ${aead_id}`;
      const reason = absent(entry);
      if (reason) test.skip(`${name}: ${reason}`, () => undefined);
      else test(name, () => run(entry));
    });
  });
