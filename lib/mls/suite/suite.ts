import { lengthHeader } from "../../codec/index.js";
import { TinyMlsError } from "../../errors.js";
import { aead } from "../../native/aead.js";
import { hash, hashLength, hmac, hmacVerify } from "../../native/hash.js";
import { hkdf } from "../../native/kdf.js";
import type { Secret } from "../../native/secret.js";
import { labelOf } from "./labels.js";
import { cipherSuites, type CipherSuite, type CipherSuiteName, type SuiteParameters } from "./registry.js";

type Bytes = Uint8Array;

const empty = new Uint8Array(0);

/**
 * One cipher suite (RFC 9420 §5.1) and its labelled operations (§5.1.2, §5.1.3, §5.2, §8). Labels are given without the
 * prefix "MLS 1.0 ". Secrets and keys that come back belong to the caller, who disposes them; those passed in are only
 * borrowed. {@link suiteOf} gives the one object of each suite.
 */
export class Suite {
  readonly id: CipherSuite;
  readonly name: CipherSuiteName;
  readonly algorithms: SuiteParameters;
  /** KDF.Nh, octets: of every secret of the key schedule, every hash and every MAC. */
  readonly Nh: number;
  /** AEAD.Nk, octets. */
  readonly Nk: number;
  /** AEAD.Nn, octets. */
  readonly Nn = 12;
  /** @internal use {@link suiteOf} */
  constructor(parameters: SuiteParameters) {
    this.id = parameters.id;
    this.name = parameters.name;
    this.algorithms = parameters;
    this.Nh = hashLength(parameters.hash);
    this.Nk = parameters.aead === "AES-128-GCM" ? 16 : 32;
  }

  // Hash and MAC

  /** Hash of the concatenation of `parts`. */
  hash(...parts: Bytes[]): Buffer {
    return hash(this.algorithms.hash, ...parts);
  }

  /** RFC 9420 §5.2: RefHash. The label is taken as it is, with its prefix. */
  refHash(label: string, value: Bytes): Buffer {
    const name = Buffer.from(label, "utf8");
    return this.hash(lengthHeader(name.byteLength), name, lengthHeader(value.byteLength), value);
  }

  /** RFC 9420 §5.2: MakeKeyPackageRef of an encoded KeyPackage. */
  keyPackageRef(keyPackage: Bytes): Buffer {
    return this.refHash("MLS 1.0 KeyPackage Reference", keyPackage);
  }

  /** RFC 9420 §5.2: MakeProposalRef of the encoded AuthenticatedContent that carries the proposal. */
  proposalRef(authenticatedContent: Bytes): Buffer {
    return this.refHash("MLS 1.0 Proposal Reference", authenticatedContent);
  }

  /** MAC (HMAC, RFC 9420 §17.1) over the concatenation of `parts`. */
  mac(key: Secret, ...parts: Bytes[]): Buffer {
    return hmac(this.algorithms.hash, key, ...parts);
  }

  /** Compares in constant time. A tag of any length but Nh, the empty one too, is refused. */
  verifyMac(key: Secret, tag: Bytes, ...parts: Bytes[]): boolean {
    return tag.byteLength === this.Nh && hmacVerify(this.algorithms.hash, key, tag, ...parts);
  }

  // Derivations

  /** KDF.Extract. */
  extract(salt: Secret | Bytes, ikm: Secret | Bytes): Secret {
    return hkdf.extract(this.algorithms.hash, salt, ikm);
  }

  /** RFC 9420 §8: ExpandWithLabel. */
  expandWithLabel(secret: Secret, label: string, context: Bytes, length: number): Secret {
    return hkdf.expandLabel(this.algorithms.hash, secret, labelOf(label).bytes, context, length, "mls");
  }

  /** RFC 9420 §8: DeriveSecret. */
  deriveSecret(secret: Secret, label: string): Secret {
    return this.expandWithLabel(secret, label, empty, this.Nh);
  }

  /** RFC 9420 §9.1: DeriveTreeSecret. */
  deriveTreeSecret(secret: Secret, label: string, generation: number, length: number): Secret {
    const context = Buffer.allocUnsafe(4);
    context.writeUInt32BE(generation);
    return this.expandWithLabel(secret, label, context, length);
  }

  // AEAD

  /** `nonceXor` is XORed onto the first octets of the nonce (the reuse guard of RFC 9420 §6.3.1). */
  seal(key: Secret, nonce: Secret, aad: Bytes, plaintext: Bytes | Secret, nonceXor?: Bytes): Buffer {
    return aead.seal(this.algorithms.aead, key, nonce, aad, plaintext, nonceXor);
  }

  /** @throws TinyMlsError `undecryptable`. */
  open(key: Secret, nonce: Secret, aad: Bytes, ciphertext: Bytes, nonceXor?: Bytes): Buffer {
    return aead.open(this.algorithms.aead, key, nonce, aad, ciphertext, nonceXor);
  }

  /** {@link open} of a secret. @throws TinyMlsError `undecryptable`. */
  openSecret(key: Secret, nonce: Secret, aad: Bytes, ciphertext: Bytes, nonceXor?: Bytes): Secret {
    return aead.openSecret(this.algorithms.aead, key, nonce, aad, ciphertext, nonceXor);
  }
}

const suites = new Map<number, Suite>();

/**
 * The suite of a number of the registry.
 * @throws TinyMlsError `config` where it is none of RFC 9420's; test numbers from the wire with {@link isCipherSuite}.
 */
export function suiteOf(id: number): Suite {
  let suite = suites.get(id);
  if (suite === undefined) {
    const parameters = cipherSuites.get(id);
    if (parameters === undefined) {
      throw new TinyMlsError("config", `cipher suite ${id} is not supported`, {
        operation: "suiteOf",
        component: "mls",
      });
    }
    suites.set(id, (suite = new Suite(parameters)));
  }
  return suite;
}
