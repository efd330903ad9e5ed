import { inspect } from "node:util";
import { addon, type Bytes } from "./addon.js";
import { keyParameters, type KemAlgorithm, type SignatureAlgorithm } from "./algorithms.js";
import { check, usage } from "./fault.js";
import {
  handleOf,
  type MadeTogether,
  release,
  releaseWhenCollected,
  sealableHandle,
  togetherOf,
  type Sealable,
  type Secret,
} from "./secret.js";

interface KeyCalls {
  privateKeyGenerate(algorithm: number): number;
  privateKeyImport(algorithm: number, raw: number | Bytes): number;
  privateKeyRestore(algorithm: number, raw: number, publicKey: Bytes): number;
  privateKeyClone(key: number): number;
  privateKeyPublic(key: number, out: Bytes): number;
  publicKeyCheck(algorithm: number, publicKey: Bytes): number;
}
const native = addon<KeyCalls>();

export type KeyAlgorithm = KemAlgorithm | SignatureAlgorithm;

/** The handle of a `PrivateKey`, for the other files of this folder: zero, which the addon refuses, once it is disposed. */
export let privateKeyHandle: (key: PrivateKey) => number;
/** A `PrivateKey` of the handle that a native call answered, with its public key where that is known. */
export let privateKeyOf: (algorithm: KeyAlgorithm, answer: number, operation: string, making?: Making) => PrivateKey;

interface Making {
  readonly publicKey?: Buffer;
  readonly together?: MadeTogether | undefined;
}

/**
 * A private key in native memory, parsed once. Its octets never enter the JavaScript heap: to store it, seal it under another
 * key (`aead.seal` takes it as a plaintext) and read it back with `aead.openSecret` and `PrivateKey.fromSecret`.
 *
 * Raw keys are as in RFC 9180 §7.1.2 and RFC 8032: scalars of fixed size, octet strings, and the seeds of FIPS 203 and 204.
 */
export class PrivateKey implements Sealable {
  readonly algorithm: KeyAlgorithm;
  /** Encoded as MLS does (RFC 9420 §5.1.1): an uncompressed point on the NIST curves. */
  readonly publicKey: Buffer;
  /** Of the raw private key. */
  readonly byteLength: number;
  #handle: number;
  readonly #together: MadeTogether | undefined;

  static {
    privateKeyHandle = (key) => key.#handle;
    privateKeyOf = (...known) => new PrivateKey(...known);
  }

  private constructor(
    algorithm: KeyAlgorithm,
    answer: number,
    operation: string,
    { publicKey, together }: Making = {},
  ) {
    this.#handle = check(answer, operation);
    this.#together = together;
    releaseWhenCollected(this, answer, this.#together);
    const { publicKeyLength, privateKeyLength } = keyParameters(algorithm, operation);
    this.algorithm = algorithm;
    this.byteLength = privateKeyLength;
    this.publicKey = publicKey ?? Buffer.alloc(publicKeyLength);
    if (publicKey === undefined) check(native.privateKeyPublic(answer, this.publicKey), operation);
  }

  /** @throws TinyMlsError `malformed` for a wrong length, `invalid` for a scalar out of range, `config` where not offered */
  static fromSecret(algorithm: KeyAlgorithm, raw: Secret): PrivateKey {
    const { id } = keyParameters(algorithm, "PrivateKey.fromSecret");
    return new PrivateKey(algorithm, native.privateKeyImport(id, handleOf(raw)), "PrivateKey.fromSecret");
  }

  /** As `fromSecret`, from bytes that are in JavaScript already. They stay as they are: wipe them (`wipe`). */
  static import(algorithm: KeyAlgorithm, raw: Bytes): PrivateKey {
    const { id } = keyParameters(algorithm, "PrivateKey.import");
    if (!(raw instanceof Uint8Array)) throw usage("PrivateKey.import", "a raw key is bytes");
    return new PrivateKey(algorithm, native.privateKeyImport(id, raw), "PrivateKey.import");
  }

  /** The same key under a life of its own: the octets are wiped when the last of both is disposed. */
  clone(): PrivateKey {
    return new PrivateKey(this.algorithm, native.privateKeyClone(this.#handle), "PrivateKey.clone");
  }

  get [sealableHandle](): number {
    return this.#handle;
  }

  /** Lets go of the key. Disposing twice is disposing once; any other use afterwards is a `usage` error. */
  dispose(): void {
    const handle = this.#handle;
    this.#handle = 0;
    release(handle, "PrivateKey.dispose");
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Always throws: a private key does not belong in JSON. */
  toJSON(): never {
    throw usage("PrivateKey.toJSON", "a private key cannot be serialised");
  }

  [inspect.custom](): string {
    return `PrivateKey { ${this.#handle === 0 ? "disposed" : this.algorithm} }`;
  }
}

export function generatePrivateKey(algorithm: KeyAlgorithm, operation: string): PrivateKey {
  return privateKeyOf(algorithm, native.privateKeyGenerate(keyParameters(algorithm, operation).id), operation);
}

/**
 * `PrivateKey.fromSecret` for a key that was kept beside its public key, which takes most of the time to compute. That they go together is
 * believed, so they have to come from under one authentication tag: with an Ed25519 public key of someone's choice, signatures would give
 * the private key away. What is no key pair is refused when it is used.
 */
export function restorePrivateKey(algorithm: KeyAlgorithm, raw: Secret, publicKey: Bytes): PrivateKey {
  const operation = "restorePrivateKey";
  const answer = native.privateKeyRestore(keyParameters(algorithm, operation).id, handleOf(raw), publicKey);
  return privateKeyOf(algorithm, answer, operation, { publicKey: Buffer.from(publicKey), together: togetherOf(raw) });
}

/** Minus the native fault when a public key is refused. */
export function checkPublicKey(algorithm: KeyAlgorithm, publicKey: Bytes, operation: string): number {
  return native.publicKeyCheck(keyParameters(algorithm, operation).id, publicKey);
}
