import { lengthHeader } from "../../codec/index.js";
import { TinyMlsError } from "../../errors.js";
import { aead } from "../../native/aead.js";
import { aeadTagLength, keyParameters } from "../../native/algorithms.js";
import { hash, hashEach, hashLength, hmac, hmacVerify } from "../../native/hash.js";
import { hpke } from "../../native/hpke.js";
import { hkdf, stepLabel } from "../../native/kdf.js";
import { kem } from "../../native/kem.js";
import { MessageKeys } from "../../native/message-key.js";
import { PrivateKey } from "../../native/keys.js";
import { Secret, type Sealable } from "../../native/secret.js";
import { signature } from "../../native/signature.js";
import { labelled, labelledBriefly, labelledParts, labelList, labelOf, type Parts } from "./labels.js";
import { cipherSuites, type CipherSuite, type CipherSuiteName, type SuiteParameters } from "./registry.js";

type Bytes = Uint8Array;

/** RFC 9420 §7.6: what HPKE gives for one recipient. */
export interface HpkeCiphertext {
  readonly kemOutput: Bytes;
  readonly ciphertext: Bytes;
}

/** One signature to verify with {@link Suite.verifyWithLabelAll}. */
export interface SignedItem {
  readonly publicKey: Bytes;
  readonly label: string;
  readonly content: Parts;
  readonly signature: Bytes;
}

/** One encryption of {@link Suite.encryptWithLabelAll}. */
export interface EncryptItem {
  readonly publicKey: Bytes;
  readonly label: string;
  readonly context: Bytes;
  readonly plaintext: Secret | Bytes;
}

const empty: Bytes = new Uint8Array(0);
const externalInitLabel = Buffer.from("MLS 1.0 external init secret");

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
  /** Octets that an AEAD adds: its tag. */
  readonly Nt = aeadTagLength;
  readonly #hpke: {
    readonly kem: SuiteParameters["kem"];
    readonly kdf: SuiteParameters["hash"];
    readonly aead: SuiteParameters["aead"];
  };
  readonly #messageKeys: MessageKeys;

  /** @internal use {@link suiteOf} */
  constructor(parameters: SuiteParameters) {
    this.id = parameters.id;
    this.name = parameters.name;
    this.algorithms = parameters;
    this.Nh = hashLength(parameters.hash);
    this.Nk = parameters.aead === "AES-128-GCM" ? 16 : 32;
    this.#hpke = { kem: parameters.kem, kdf: parameters.hash, aead: parameters.aead };
    const labels = { key: labelOf("key").bytes, nonce: labelOf("nonce").bytes };
    this.#messageKeys = new MessageKeys(parameters.hash, parameters.aead, labels);
  }

  // Hash and MAC

  /** Hash of the concatenation of `parts`. */
  hash(...parts: Bytes[]): Buffer {
    return hash(this.algorithms.hash, ...parts);
  }

  /** Hash of each of many inputs, which are joined: see `hashEach` of the native layer. */
  hashEach(joined: Bytes, lengths: Uint32Array, out: Bytes): void {
    hashEach(this.algorithms.hash, joined, lengths, out);
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

  /** {@link expandWithLabel} to as many octets as the secret has, in its place. */
  stepWithLabel(secret: Secret, label: string, context: Bytes): void {
    stepLabel(this.algorithms.hash, secret, labelOf(label).bytes, context, "mls");
  }

  /** RFC 9420 §8: DeriveSecret. */
  deriveSecret(secret: Secret, label: string): Secret {
    return this.expandWithLabel(secret, label, empty, this.Nh);
  }

  /** {@link deriveSecret} for each label of a list, which is kept for the next time. */
  deriveSecrets(secret: Secret, labels: readonly string[]): Secret[] {
    return hkdf.expandLabels(this.algorithms.hash, secret, labelList(labels), this.Nh, "mls");
  }

  /** RFC 9420 §9.1: DeriveTreeSecret. */
  deriveTreeSecret(secret: Secret, label: string, generation: number, length: number): Secret {
    const context = Buffer.allocUnsafe(4);
    context.writeUInt32BE(generation);
    return this.expandWithLabel(secret, label, context, length);
  }

  // Signatures

  generateSignatureKeyPair(): PrivateKey {
    return signature.generateKeyPair(this.algorithms.signature);
  }

  /** The signature key of a raw private key: the seed for EdDSA, a scalar for ECDSA, whose leading zero octets may be left out. */
  signatureKey(raw: Secret): PrivateKey {
    const algorithm = this.algorithms.signature;
    const missing = algorithm.startsWith("ECDSA")
      ? keyParameters(algorithm, "signatureKey").privateKeyLength - raw.byteLength
      : 0;
    if (missing <= 0 || raw.byteLength === 0) return PrivateKey.fromSecret(algorithm, raw);
    const padded = Secret.concat([new Uint8Array(missing), raw]);
    try {
      return PrivateKey.fromSecret(algorithm, padded);
    } finally {
      padded.dispose();
    }
  }

  /** RFC 9420 §5.1.2: SignWithLabel. The content may come in parts. */
  signWithLabel(privateKey: PrivateKey, label: string, content: Parts): Buffer {
    return signature.sign(privateKey, labelledBriefly(label, content));
  }

  /** RFC 9420 §5.1.2: VerifyWithLabel. A public key that is none makes it false too. */
  verifyWithLabel(publicKey: Bytes, label: string, content: Parts, signatureValue: Bytes): boolean {
    try {
      return signature.verify(this.algorithms.signature, publicKey, labelledBriefly(label, content), signatureValue);
    } catch (error) {
      if (isBadInput(error)) return false;
      throw error;
    }
  }

  /** {@link verifyWithLabel} of many at once, in parallel and off the event loop unless they are few. */
  async verifyWithLabelAll(items: readonly SignedItem[]): Promise<boolean[]> {
    if (items.length <= 1) {
      return items.map((item) => this.verifyWithLabel(item.publicKey, item.label, item.content, item.signature));
    }
    const signed = items.map((item) => ({
      publicKey: item.publicKey,
      message: labelledParts(item.label, item.content),
      signature: item.signature,
    }));
    return signature.verifyAll(this.algorithms.signature, signed);
  }

  // Public-key encryption

  generateHpkeKeyPair(): PrivateKey {
    return kem.generateKeyPair(this.algorithms.kem);
  }

  /** RFC 9180 §4: DeriveKeyPair. */
  deriveKeyPair(ikm: Secret): PrivateKey {
    return kem.deriveKeyPair(this.algorithms.kem, ikm);
  }

  /** {@link deriveKeyPair} of many at once, in parallel and off the event loop unless they are few. */
  deriveKeyPairs(ikms: readonly Secret[]): Promise<PrivateKey[]> {
    return kem.deriveKeyPairs(this.algorithms.kem, ikms);
  }

  /** The HPKE key of a raw private key, as SerializePrivateKey gives it. */
  hpkeKey(raw: Secret): PrivateKey {
    return PrivateKey.fromSecret(this.algorithms.kem, raw);
  }

  /** Whether the octets are a public key of the KEM: their length and, for the P-curves, the point. */
  isHpkePublicKey(publicKey: Bytes): boolean {
    return kem.validPublicKey(this.algorithms.kem, publicKey);
  }

  /**
   * RFC 9420 §5.1.3: EncryptWithLabel.
   * @throws TinyMlsError `invalid` or `malformed` where the public key is none.
   */
  encryptWithLabel(publicKey: Bytes, label: string, context: Bytes, plaintext: Secret | Bytes): HpkeCiphertext {
    const { enc, ciphertext } = hpke.seal(this.#hpke, publicKey, labelled(label, context), empty, plaintext);
    return { kemOutput: enc, ciphertext };
  }

  /** {@link encryptWithLabel} of many at once, in parallel and off the event loop unless they are few. */
  async encryptWithLabelAll(items: readonly EncryptItem[]): Promise<HpkeCiphertext[]> {
    if (items.length === 0) return [];
    let info = empty;
    const sealed = items.map(({ publicKey, label, context, plaintext }, index) => {
      // The nodes of an UpdatePath share their context, as the members of a Welcome do: it is framed once.
      const before = items[index - 1];
      if (before?.label !== label || before.context !== context) info = labelled(label, context);
      return { publicKey, info, aad: empty, plaintext };
    });
    const results = await hpke.sealAll(this.#hpke, sealed);
    return results.map(({ enc, ciphertext }) => ({ kemOutput: enc, ciphertext }));
  }

  /**
   * RFC 9420 §5.1.3: DecryptWithLabel of a secret.
   * @throws TinyMlsError `undecryptable`, whatever was wrong.
   */
  decryptWithLabel(privateKey: PrivateKey, label: string, context: Bytes, kemOutput: Bytes, ciphertext: Bytes): Secret {
    return opened(() =>
      hpke.openSecret(this.#hpke, privateKey, kemOutput, labelled(label, context), empty, ciphertext),
    );
  }

  /** {@link decryptWithLabel} of what is no secret. */
  decryptWithLabelBytes(
    privateKey: PrivateKey,
    label: string,
    context: Bytes,
    kemOutput: Bytes,
    ciphertext: Bytes,
  ): Buffer {
    return opened(() => hpke.open(this.#hpke, privateKey, kemOutput, labelled(label, context), empty, ciphertext));
  }

  /**
   * RFC 9420 §8.3: the joiner's side of external initialization.
   * @throws TinyMlsError `invalid` or `malformed` where `externalPub` is no public key.
   */
  externalInitSender(externalPub: Bytes): { readonly kemOutput: Buffer; readonly initSecret: Secret } {
    const { enc, secret } = hpke.exportSender(this.#hpke, externalPub, empty, externalInitLabel, this.Nh);
    return { kemOutput: enc, initSecret: secret };
  }

  /**
   * RFC 9420 §8.3: the members' side.
   * @throws TinyMlsError `undecryptable` where `kemOutput` is none.
   */
  externalInitReceiver(externalPriv: PrivateKey, kemOutput: Bytes): Secret {
    return opened(() => hpke.exportReceiver(this.#hpke, externalPriv, kemOutput, empty, externalInitLabel, this.Nh));
  }

  // AEAD

  /** `nonceXor` is XORed onto the first octets of the nonce (the reuse guard of RFC 9420 §6.3.1). */
  seal(key: Secret, nonce: Secret, aad: Bytes, plaintext: Bytes | Sealable, nonceXor?: Bytes): Buffer {
    return aead.seal(this.algorithms.aead, key, nonce, aad, plaintext, nonceXor);
  }

  /** @throws TinyMlsError `undecryptable`. */
  open(key: Secret, nonce: Secret, aad: Bytes, ciphertext: Bytes, nonceXor?: Bytes): Buffer {
    return aead.open(this.algorithms.aead, key, nonce, aad, ciphertext, nonceXor);
  }

  /**
   * Seals under the "key" and the "nonce" that {@link expandWithLabel} gives for one context (RFC 9420 §6.3.2, §9.1); they never are
   * handles.
   * @param out as long as the plaintext and the tag; it may start where the plaintext does
   */
  sealExpanded(secret: Secret, context: Bytes, aad: Bytes, plaintext: Bytes, out: Bytes, nonceXor?: Bytes): void {
    this.#messageKeys.seal(secret, context, aad, plaintext, out, nonceXor);
  }

  /** What {@link sealExpanded} sealed. @throws TinyMlsError `undecryptable`. */
  openExpanded(secret: Secret, context: Bytes, aad: Bytes, ciphertext: Bytes, nonceXor?: Bytes): Buffer {
    return this.#messageKeys.open(secret, context, aad, ciphertext, nonceXor);
  }

  /** {@link open} of a secret. @throws TinyMlsError `undecryptable`. */
  openSecret(key: Secret, nonce: Secret, aad: Bytes, ciphertext: Bytes, nonceXor?: Bytes): Secret {
    return aead.openSecret(this.algorithms.aead, key, nonce, aad, ciphertext, nonceXor);
  }
}

function isBadInput(error: unknown): boolean {
  return error instanceof TinyMlsError && ["invalid", "malformed", "undecryptable"].includes(error.code);
}

// A kemOutput that is no point and a wrong tag must look the same from outside.
function opened<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!isBadInput(error)) throw error;
    throw new TinyMlsError("undecryptable", "HPKE decryption failed", { component: "mls" });
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
