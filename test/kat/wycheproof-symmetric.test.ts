// Wycheproof: AES-GCM, ChaCha20-Poly1305, HKDF, HMAC. Both the one-shot operation and the kept cipher, both kinds of results.
import { expect } from "@jest/globals";
import {
  aead,
  hashLength,
  hkdf,
  hmac,
  hmacVerify,
  Secret,
  type AeadAlgorithm,
  type HashAlgorithm,
} from "tinymls/crypto";
import { hex, testWycheproof } from "./wycheproof.js";

interface AeadGroup {
  readonly keySize: number;
  readonly ivSize: number;
  readonly tagSize: number;
}
interface AeadEntry {
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly msg: string;
  readonly ct: string;
  readonly tag: string;
}

// What the package offers: keys of 128 and 256 bits, 96-bit nonces. The rest has to be refused as misuse.
function offered(algorithm: string, { keySize, ivSize }: AeadGroup): AeadAlgorithm | undefined {
  if (ivSize !== 96) return undefined;
  if (algorithm === "CHACHA20-POLY1305") return "CHACHA20-POLY1305";
  return keySize === 128 ? "AES-128-GCM" : keySize === 256 ? "AES-256-GCM" : undefined;
}

testWycheproof<AeadGroup, AeadEntry>("aead", (entry, group, algorithm) => {
  const [key, nonce, aad, message] = [hex(entry.key), hex(entry.iv), hex(entry.aad), hex(entry.msg)];
  const sealed = hex(entry.ct + entry.tag);
  const chosen = offered(algorithm, group);
  if (chosen === undefined) {
    const nearest = algorithm === "CHACHA20-POLY1305" ? algorithm : "AES-256-GCM";
    expect(() => aead.seal(nearest, key, nonce, aad, message)).toThrow(expect.objectContaining({ code: "usage" }));
    expect(() => aead.open(nearest, key, nonce, aad, sealed)).toThrow(expect.objectContaining({ code: "usage" }));
    return;
  }
  const secret = Secret.from(key);
  const cipher = aead.cipher(chosen, secret);
  const opens = [
    () => aead.open(chosen, key, nonce, aad, sealed),
    () => aead.open(chosen, secret, Secret.from(nonce), aad, sealed),
    () => cipher.open(nonce, aad, sealed),
  ];
  if (entry.result === "valid") {
    for (const open of opens) expect(open()).toEqual(message);
    expect(aead.openSecret(chosen, secret, nonce, aad, sealed).equals(message)).toBe(true);
    expect(cipher.openSecret(nonce, aad, sealed).equals(message)).toBe(true);
    expect(aead.seal(chosen, secret, nonce, aad, message)).toEqual(sealed);
    expect(aead.seal(chosen, key, nonce, aad, Secret.from(message))).toEqual(sealed);
    expect(cipher.seal(nonce, aad, message)).toEqual(sealed);
  } else {
    const refused = expect.objectContaining({ code: "undecryptable" });
    for (const open of opens) expect(open).toThrow(refused);
    expect(() => aead.openSecret(chosen, secret, nonce, aad, sealed)).toThrow(refused);
    expect(() => cipher.openSecret(nonce, aad, sealed)).toThrow(refused);
  }
  cipher.dispose();
});

interface HkdfEntry {
  readonly ikm: string;
  readonly salt: string;
  readonly info: string;
  readonly size: number;
  readonly okm: string;
}

testWycheproof<unknown, HkdfEntry>("hkdf", (entry, _group, name) => {
  const algorithm = name.replace(/^HKDF-/, "") as HashAlgorithm;
  const prk = hkdf.extract(algorithm, hex(entry.salt), Secret.from(hex(entry.ikm)));
  const expand = () => hkdf.expand(algorithm, prk, hex(entry.info), entry.size);
  if (entry.result === "valid") expect(expand().equals(hex(entry.okm))).toBe(true);
  else expect(expand).toThrow(expect.objectContaining({ code: "usage" }));
});

interface HmacEntry {
  readonly key: string;
  readonly msg: string;
  readonly tag: string;
}

testWycheproof<{ readonly tagSize: number }, HmacEntry>("hmac", (entry, group, name) => {
  const algorithm = name.replace(/^HMACSHA/, "SHA-") as HashAlgorithm;
  const [key, message, tag] = [hex(entry.key), hex(entry.msg), hex(entry.tag)];
  const whole = tag.length === hashLength(algorithm);
  const computed = hmac(algorithm, key, message).subarray(0, group.tagSize / 8);
  expect(computed.equals(tag)).toBe(entry.result === "valid");
  // A truncated tag is never taken for the whole one.
  expect(hmacVerify(algorithm, Secret.from(key), tag, message)).toBe(whole && entry.result === "valid");
});
