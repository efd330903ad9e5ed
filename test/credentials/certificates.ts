// Makes certificate chains for the tests.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as pkijs from "@peculiar/x509";

const { X509CertificateGenerator, BasicConstraintsExtension, KeyUsagesExtension, KeyUsageFlags, cryptoProvider } =
  pkijs;
type Pair = Awaited<ReturnType<typeof generateKeys>>;

cryptoProvider.set(webcrypto as never);

export const keyAlgorithms = {
  Ed25519: { name: "Ed25519" },
  Ed448: { name: "Ed448" },
  "ECDSA-P256": { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  "ECDSA-P384": { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
  "ECDSA-P521": { name: "ECDSA", namedCurve: "P-521", hash: "SHA-512" },
} as const;
export type KeyAlgorithm = keyof typeof keyAlgorithms;

async function generateKeys(algorithm: KeyAlgorithm) {
  return (await webcrypto.subtle.generateKey(keyAlgorithms[algorithm], true, ["sign", "verify"])) as {
    publicKey: webcrypto.CryptoKey;
    privateKey: webcrypto.CryptoKey;
  };
}

/** The generator takes Ed448 by its object identifier alone (RFC 8410 §3), the Web Cryptography API by its name alone. */
function signerOf(privateKey: webcrypto.CryptoKey, algorithm: KeyAlgorithm): { key: unknown; provider: unknown } {
  if (algorithm !== "Ed448") return { key: privateKey, provider: webcrypto };
  const sign = (_: unknown, __: unknown, data: Uint8Array) => webcrypto.subtle.sign("Ed448", privateKey, data);
  const exportKey = (format: "spki", key: webcrypto.CryptoKey) => webcrypto.subtle.exportKey(format, key);
  return { key: { algorithm: { name: "1.3.101.113" } }, provider: { subtle: { sign, exportKey } } };
}

export interface Issued {
  readonly der: Buffer;
  readonly keys: Pair;
  readonly subject: string;
  readonly algorithm: KeyAlgorithm;
}

export interface Wanted {
  readonly subject: string;
  readonly algorithm?: KeyAlgorithm;
  readonly issuer?: Issued;
  readonly authority?: boolean;
  readonly usage?: number;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** What an ECDSA issuer signs the digest of, instead of the hash of its algorithm. */
  readonly hash?: "SHA-1";
}

let serial = 1;

/** Issues a certificate, by itself where no issuer is given. */
export async function issue(wanted: Wanted): Promise<Issued> {
  const algorithm = wanted.algorithm ?? "Ed25519";
  const keys = await generateKeys(algorithm);
  const authority = wanted.authority ?? wanted.issuer === undefined;
  const usage = wanted.usage ?? (authority ? KeyUsageFlags.keyCertSign : KeyUsageFlags.digitalSignature);
  const issuer = wanted.issuer;
  const signingKeys = issuer?.keys ?? keys;
  const signer = signerOf(signingKeys.privateKey, issuer?.algorithm ?? algorithm);
  const fields = {
    serialNumber: (serial++).toString(16).padStart(4, "0"),
    subject: wanted.subject,
    issuer: issuer?.subject ?? wanted.subject,
    notBefore: wanted.notBefore ?? new Date("2020-01-01T00:00:00Z"),
    notAfter: wanted.notAfter ?? new Date("2040-01-01T00:00:00Z"),
    signingAlgorithm: {
      ...keyAlgorithms[issuer?.algorithm ?? algorithm],
      ...(wanted.hash === undefined ? {} : { hash: wanted.hash }),
    },
    publicKey: keys.publicKey as never,
    signingKey: signer.key as never,
    extensions: [
      new BasicConstraintsExtension(authority, undefined, true),
      new KeyUsagesExtension(usage, true),
      await pkijs.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await pkijs.AuthorityKeyIdentifierExtension.create(signingKeys.publicKey as never),
    ],
  };
  const certificate = await X509CertificateGenerator.create(fields, signer.provider as never);
  return { der: Buffer.from(certificate.rawData), keys, subject: wanted.subject, algorithm };
}

/** The public key as RFC 9420 §5.1.1 encodes it. */
export async function rawPublicKey({ keys }: Issued): Promise<Buffer> {
  return Buffer.from(await webcrypto.subtle.exportKey("raw", keys.publicKey));
}

export { KeyUsageFlags };
