import { addon, type Bytes } from "./addon.js";
import { signatureParameters, type SignatureAlgorithm } from "./algorithms.js";
import { join, type Parts } from "./batch.js";
import { check, faultError, usage } from "./fault.js";
import { generatePrivateKey, privateKeyHandle, type PrivateKey } from "./keys.js";

interface SignatureCalls {
  signatureSign(key: number, message: Bytes, out: Bytes): number;
  signatureVerify(algorithm: number, publicKey: Bytes, message: Bytes, signature: Bytes): number;
  signatureVerifyAll(algorithm: number, joined: Bytes, lengths: Bytes): Promise<number | Buffer> | number | Buffer;
}
const native = addon<SignatureCalls>();

/** One signature to check. */
export interface SignedItem {
  readonly publicKey: Bytes;
  /** It may come in parts. */
  readonly message: Parts;
  readonly signature: Bytes;
}

/**
 * Signatures as MLS encodes them (RFC 9420 §5.1.2): EdDSA and ML-DSA raw, ECDSA in DER.
 *
 * `config` is thrown where this OpenSSL does not offer the algorithm.
 */
export const signature = {
  /** A fresh key pair. */
  generateKeyPair(algorithm: SignatureAlgorithm): PrivateKey {
    signatureParameters(algorithm, "signature.generateKeyPair");
    return generatePrivateKey(algorithm, "signature.generateKeyPair");
  },

  /** The signature of a message, in the encoding of RFC 9420 §5.1.2. */
  sign(key: PrivateKey, message: Bytes): Buffer {
    const { signatureLength } = signatureParameters(key.algorithm as SignatureAlgorithm, "signature.sign");
    const out = Buffer.allocUnsafe(signatureLength);
    const length = check(native.signatureSign(privateKeyHandle(key), message, out), "signature.sign");
    return length === signatureLength ? out : out.subarray(0, length);
  },

  /**
   * Whether the signature is valid. One that cannot be read is not; ECDSA accepts strict DER alone.
   *
   * @throws TinyMlsError `malformed` for a public key of wrong length, `invalid` for one that is no valid point
   */
  verify(algorithm: SignatureAlgorithm, publicKey: Bytes, message: Bytes, signature: Bytes): boolean {
    const { id } = signatureParameters(algorithm, "signature.verify");
    return check(native.signatureVerify(id, publicKey, message, signature), "signature.verify") === 1;
  },

  /**
   * As `verify`, for many, in parallel off the event loop unless they are so few that they are done at once. The inputs are copied
   * before this returns. An item whose public key is refused is `false` and does not hurt the rest.
   */
  async verifyAll(algorithm: SignatureAlgorithm, items: readonly SignedItem[]): Promise<boolean[]> {
    const operation = "signature.verifyAll";
    const { id } = signatureParameters(algorithm, operation);
    if (!Array.isArray(items)) throw usage(operation, "the items are an array");
    const parts: Parts[] = [];
    for (const { publicKey, message, signature } of items as readonly SignedItem[]) {
      parts.push(publicKey, message, signature);
    }
    const { bytes, lengths } = join(parts, operation);
    const verdicts = await native.signatureVerifyAll(id, bytes, lengths);
    if (typeof verdicts === "number") throw faultError(verdicts, operation);
    const valid: boolean[] = [];
    for (const verdict of verdicts) valid.push(verdict === 1);
    return valid;
  },
};
