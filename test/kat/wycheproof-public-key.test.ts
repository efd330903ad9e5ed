// Wycheproof: Diffie-Hellman, signatures, ML-KEM.
import { expect, test } from "@jest/globals";
import { kem, PrivateKey, signature, TinyMlsError, type KemAlgorithm, type SignatureAlgorithm } from "tinymls/crypto";
import { encapsulateWith } from "#dist/native/kem.js";
import { hex, testWycheproof } from "./wycheproof.js";

const refused = expect.objectContaining({ code: expect.stringMatching(/^(malformed|invalid)$/) as unknown });

function notOffered(algorithm: KemAlgorithm | SignatureAlgorithm | undefined, name: string): string | undefined {
  if (algorithm === undefined) return `${name} is not offered`;
  try {
    PrivateKey.import(algorithm, Buffer.alloc(64));
  } catch (error) {
    if (error instanceof TinyMlsError && error.code === "config")
      return `OpenSSL ${process.versions.openssl} has no ${name}`;
  }
  return undefined;
}

interface DhGroup {
  readonly curve: string;
}
interface DhEntry {
  readonly public: string;
  readonly private: string;
  readonly shared: string;
}

const kemOfCurve: Record<string, KemAlgorithm> = {
  secp256r1: "DHKEM-P256",
  secp384r1: "DHKEM-P384",
  secp521r1: "DHKEM-P521",
  curve25519: "DHKEM-X25519",
  curve448: "DHKEM-X448",
};
const scalarLength: Record<string, number> = { secp256r1: 32, secp384r1: 48, secp521r1: 66 };

// Entries call compressed points acceptable: MLS and HPKE allow uncompressed ones alone.
testWycheproof<DhGroup, DhEntry>(
  "ecdh",
  (entry, { curve }) => {
    const scalar = BigInt(`0x${entry.private}`).toString(16);
    const key = PrivateKey.import(kemOfCurve[curve]!, hex(scalar.padStart(2 * scalarLength[curve]!, "0")));
    const agree = () => kem.diffieHellman(key, hex(entry.public));
    if (entry.result === "valid") expect(agree().equals(hex(entry.shared))).toBe(true);
    else {
      expect(agree).toThrow(refused);
      expect(() => kem.decapsulate(key, hex(entry.public))).toThrow(refused);
      expect(() => kem.encapsulate(kemOfCurve[curve]!, hex(entry.public))).toThrow(refused);
    }
    expect(kem.validPublicKey(kemOfCurve[curve]!, hex(entry.public))).toBe(entry.result === "valid");
    key.dispose();
  },
  ({ curve }) => notOffered(kemOfCurve[curve], curve),
);

// Non-canonical coordinates and points of the twist are acceptable: RFC 7748 takes them. All-zero results are refused.
testWycheproof<DhGroup, DhEntry>(
  "xdh",
  (entry, { curve }) => {
    const key = PrivateKey.import(kemOfCurve[curve]!, hex(entry.private));
    const agree = () => kem.diffieHellman(key, hex(entry.public));
    if (entry.result === "invalid" || /^0*$/.test(entry.shared)) {
      expect(agree).toThrow(refused);
      expect(() => kem.decapsulate(key, hex(entry.public))).toThrow(refused);
    } else expect(agree().equals(hex(entry.shared))).toBe(true);
    key.dispose();
  },
  ({ curve }) => notOffered(kemOfCurve[curve], curve),
);

interface SignatureGroup {
  readonly publicKey: { readonly curve: string; readonly uncompressed?: string; readonly pk?: string };
  readonly sha?: string;
}
interface SignatureEntry {
  readonly msg: string;
  readonly sig: string;
}

const signatureOf: Record<string, SignatureAlgorithm> = {
  "secp256r1 SHA-256": "ECDSA-P256",
  "secp384r1 SHA-384": "ECDSA-P384",
  "secp521r1 SHA-512": "ECDSA-P521",
  edwards25519: "Ed25519",
  edwards448: "Ed448",
};
const nameOf = ({ publicKey, sha }: SignatureGroup) => (sha ? `${publicKey.curve} ${sha}` : publicKey.curve);

for (const kind of ["ecdsa", "eddsa"] as const)
  testWycheproof<SignatureGroup, SignatureEntry>(
    kind,
    async (entry, group) => {
      const algorithm = signatureOf[nameOf(group)]!;
      const publicKey = hex(group.publicKey.uncompressed ?? group.publicKey.pk!);
      const item = { publicKey, message: hex(entry.msg), signature: hex(entry.sig) };
      const valid = entry.result === "valid";
      expect(signature.verify(algorithm, publicKey, item.message, item.signature)).toBe(valid);
      expect(await signature.verifyAll(algorithm, [item])).toEqual([valid]);
    },
    (group) => notOffered(signatureOf[nameOf(group)], nameOf(group)),
  );

interface MlKemGroup {
  readonly parameterSet: KemAlgorithm;
}
interface MlKemEntry {
  readonly seed: string;
  readonly ek: string;
  readonly c: string;
  readonly K: string;
}

const absentMlKem = ({ parameterSet }: MlKemGroup) =>
  notOffered(/^ML-KEM-(512|768|1024)$/.test(parameterSet) ? parameterSet : undefined, parameterSet);

testWycheproof<MlKemGroup, MlKemEntry>(
  "mlkem",
  (entry, { parameterSet }) => {
    const decapsulate = () => {
      const key = PrivateKey.import(parameterSet, hex(entry.seed));
      if (entry.ek) expect(key.publicKey.toString("hex")).toBe(entry.ek);
      return kem.decapsulate(key, hex(entry.c));
    };
    if (entry.result === "valid") expect(decapsulate().equals(hex(entry.K))).toBe(true);
    else expect(decapsulate).toThrow(refused);
  },
  absentMlKem,
);

testWycheproof<MlKemGroup, { readonly m: string; readonly ek: string; readonly c: string; readonly K: string }>(
  "mlkemEncaps",
  (entry, { parameterSet }) => {
    const encapsulate = () => encapsulateWith(parameterSet, hex(entry.ek), { randomness: hex(entry.m) });
    expect(kem.validPublicKey(parameterSet, hex(entry.ek))).toBe(entry.result === "valid");
    if (entry.result === "valid") {
      const { enc, sharedSecret } = encapsulate();
      expect(enc.toString("hex")).toBe(entry.c);
      expect(sharedSecret.equals(hex(entry.K))).toBe(true);
    } else expect(encapsulate).toThrow(refused);
  },
  absentMlKem,
);

test("where OpenSSL has no ML-KEM and ML-DSA, asking for them is a config error", () => {
  const has = Number(process.versions.openssl.split(".")[1]) >= 5 || !process.versions.openssl.startsWith("3.");
  for (const algorithm of ["ML-KEM-768", "ML-KEM-1024", "ML-DSA-65", "ML-DSA-87"] as const) {
    const generate = () =>
      algorithm.startsWith("ML-KEM")
        ? kem.generateKeyPair(algorithm as KemAlgorithm)
        : signature.generateKeyPair(algorithm as SignatureAlgorithm);
    if (has) expect(generate().algorithm).toBe(algorithm);
    else expect(generate).toThrow(expect.objectContaining({ code: "config" }));
  }
});
