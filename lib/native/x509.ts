import { addon, type Bytes } from "./addon.js";
import type { SignatureAlgorithm } from "./algorithms.js";
import { check } from "./fault.js";

interface Native {
  x509EndEntity(certificate: Bytes, out: Bytes): number;
  x509VerifyChain(chain: Bytes, roots: Bytes, time: number, out: Bytes): number;
}
const native = addon<Native>();

/** What a certificate says of the one it stands for. */
export interface EndEntity {
  /** Undefined for a key that no cipher suite signs with. */
  readonly algorithm: SignatureAlgorithm | undefined;
  /** As RFC 9420 §5.1.1 encodes signature keys. */
  readonly publicKey: Buffer;
  /** The subject's name in the form of RFC 2253. */
  readonly subject: string;
}

const algorithms: Readonly<Record<string, SignatureAlgorithm>> = {
  "ED25519/": "Ed25519",
  "ED448/": "Ed448",
  "EC/prime256v1": "ECDSA-P256",
  "EC/secp384r1": "ECDSA-P384",
  "EC/secp521r1": "ECDSA-P521",
};

/** The subject is the only field without a small bound; a certificate has at most 64 KiB. */
const mostOctets = 256 * 1024;

export const x509 = {
  /**
   * The end entity of a DER certificate, nothing verified.
   * @throws TinyMlsError `malformed`
   */
  endEntity(certificate: Bytes): EndEntity {
    const out = Buffer.alloc(mostOctets);
    return entityOf(out.subarray(0, check(native.x509EndEntity(certificate, out), "x509.endEntity")));
  },

  /**
   * Verifies that a chain of DER certificates, the end entity first, each certified by the next (RFC 9420 §5.3.3), leads to
   * one of `roots`, that all are valid at `time` and of 112 bits of strength, that the issuers are authorities and the end
   * entity may sign (RFC 5280). Revocation is not looked up.
   * @throws TinyMlsError `malformed` for an unreadable certificate, `invalid` for a chain that does not verify
   */
  verifyChain(chain: readonly Bytes[], roots: readonly Bytes[], time: Date): EndEntity {
    const out = Buffer.alloc(mostOctets);
    const seconds = Math.max(0, Math.floor(time.getTime() / 1000));
    const size = check(native.x509VerifyChain(joined(chain), joined(roots), seconds, out), "x509.verifyChain");
    return entityOf(out.subarray(0, size));
  },
};

function joined(list: readonly Bytes[]): Buffer {
  return Buffer.concat(
    list.flatMap((bytes) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.byteLength);
      return [length, bytes];
    }),
  );
}

function entityOf(fields: Buffer): EndEntity {
  const values: Buffer[] = [];
  for (let at = 0; at < fields.byteLength;) {
    const end = at + 4 + fields.readUInt32BE(at);
    values.push(fields.subarray(at + 4, end));
    at = end;
  }
  const [algorithm, curve, publicKey, subject] = values as [Buffer, Buffer, Buffer, Buffer];
  return {
    algorithm: algorithms[`${algorithm.toString()}/${curve.toString()}`],
    publicKey: Buffer.from(publicKey),
    subject: subject.toString("utf8"),
  };
}
