import { inspect } from "node:util";
import { isUint8Array } from "node:util/types";
import { addon, type Bytes } from "./addon.js";
import { aeadParameters, aeadTagLength, type AeadAlgorithm } from "./algorithms.js";
import { bundleOctets, mostSecrets, type OpenedBundle } from "./bundle.js";
import { check, usage } from "./fault.js";
import {
  release,
  releaseWhenCollected,
  sealableHandle,
  sealableOrBytes,
  secretOf,
  secretOrBytes,
  secretsOf,
  type Sealable,
  type Secret,
} from "./secret.js";

type Key = number | Bytes;
type Optional = Bytes | undefined;
interface AeadCalls {
  aeadSeal(id: number, key: Key, nonce: Key, aad: Bytes, plaintext: Key, out: Bytes, nonceXor: Optional): number;
  aeadOpen(id: number, key: Key, nonce: Key, aad: Bytes, sealed: Bytes, out: Bytes, nonceXor: Optional): number;
  aeadOpenSecret(id: number, key: Key, nonce: Key, aad: Bytes, sealed: Bytes, nonceXor: Optional): number;
  aeadCipher(id: number, key: Key): number;
  aeadCipherSeal(cipher: number, nonce: Key, aad: Bytes, plaintext: Key, out: Bytes, nonceXor: Optional): number;
  aeadCipherOpen(cipher: number, nonce: Key, aad: Bytes, sealed: Bytes, out: Bytes, nonceXor: Optional): number;
  aeadCipherOpenSecret(cipher: number, nonce: Key, aad: Bytes, sealed: Bytes, nonceXor: Optional): number;
  aeadCipherOpenBundle(cipher: number, nonce: Key, aad: Bytes, sealed: Bytes, open: Bytes, handles: Bytes): number;
}
const native = addon<AeadCalls>();

/**
 * AEAD (RFC 5116). A ciphertext is as long as the plaintext and 16 octets of tag more; a nonce has 12 octets. `nonceXor`, at most
 * 12 octets, is XORed onto the leading octets of the nonce.
 *
 * Opening throws `undecryptable` for short input and for a wrong key, nonce, aad or tag alike.
 */
export const aead = {
  /** Seals bytes, or a secret whose bytes stay in native memory. */
  seal(
    algorithm: AeadAlgorithm,
    key: Secret | Bytes,
    nonce: Secret | Bytes,
    aad: Bytes,
    plaintext: Bytes | Sealable,
    nonceXor?: Bytes,
  ): Buffer {
    const { id } = aeadParameters(algorithm, "aead.seal");
    const out = roomToSeal(plaintext, "aead.seal");
    const text = sealableOrBytes(plaintext);
    check(native.aeadSeal(id, secretOrBytes(key), secretOrBytes(nonce), aad, text, out, nonceXor), "aead.seal");
    return out;
  },

  /**
   * Opens what `seal` made (RFC 5116 §2.2).
   * @throws TinyMlsError `undecryptable`, whatever was wrong
   */
  open(
    algorithm: AeadAlgorithm,
    key: Secret | Bytes,
    nonce: Secret | Bytes,
    aad: Bytes,
    ciphertext: Bytes,
    nonceXor?: Bytes,
  ): Buffer {
    const { id } = aeadParameters(algorithm, "aead.open");
    const out = roomToOpen(ciphertext, "aead.open");
    check(native.aeadOpen(id, secretOrBytes(key), secretOrBytes(nonce), aad, ciphertext, out, nonceXor), "aead.open");
    return out;
  },

  /** Opens into native memory. */
  openSecret(
    algorithm: AeadAlgorithm,
    key: Secret | Bytes,
    nonce: Secret | Bytes,
    aad: Bytes,
    ciphertext: Bytes,
    nonceXor?: Bytes,
  ): Secret {
    const { id } = aeadParameters(algorithm, "aead.openSecret");
    const answer = native.aeadOpenSecret(id, secretOrBytes(key), secretOrBytes(nonce), aad, ciphertext, nonceXor);
    return secretOf(answer, "aead.openSecret");
  },

  /** A key with its schedule computed once, for many messages. */
  cipher(algorithm: AeadAlgorithm, key: Secret | Bytes): AeadCipher {
    return new AeadCipher(algorithm, key);
  },
};

/** One AEAD key, kept ready. Dispose it when done. */
export class AeadCipher {
  readonly algorithm: AeadAlgorithm;
  #handle: number;

  /** Use `aead.cipher`. */
  constructor(algorithm: AeadAlgorithm, key: Secret | Bytes) {
    const { id } = aeadParameters(algorithm, "aead.cipher");
    this.algorithm = algorithm;
    this.#handle = check(native.aeadCipher(id, secretOrBytes(key)), "aead.cipher");
    releaseWhenCollected(this, this.#handle);
  }

  /** As `aead.seal`. */
  seal(nonce: Secret | Bytes, aad: Bytes, plaintext: Bytes | Sealable, nonceXor?: Bytes): Buffer {
    const out = roomToSeal(plaintext, "AeadCipher.seal");
    const text = sealableOrBytes(plaintext);
    check(native.aeadCipherSeal(this.#handle, secretOrBytes(nonce), aad, text, out, nonceXor), "AeadCipher.seal");
    return out;
  }

  /** @internal As `aead.seal`, into an array of 16 octets more than the plaintext has. */
  sealInto(out: Bytes, nonce: Secret | Bytes, aad: Bytes, plaintext: Bytes | Sealable): void {
    const text = sealableOrBytes(plaintext);
    const answer = native.aeadCipherSeal(this.#handle, secretOrBytes(nonce), aad, text, out, undefined);
    check(answer, "AeadCipher.sealInto");
  }

  /** As `aead.open`. */
  open(nonce: Secret | Bytes, aad: Bytes, ciphertext: Bytes, nonceXor?: Bytes): Buffer {
    const out = roomToOpen(ciphertext, "AeadCipher.open");
    check(native.aeadCipherOpen(this.#handle, secretOrBytes(nonce), aad, ciphertext, out, nonceXor), "AeadCipher.open");
    return out;
  }

  /** @internal As `aead.open`, into an array of 16 octets less than the ciphertext has. */
  openInto(out: Bytes, nonce: Secret | Bytes, aad: Bytes, ciphertext: Bytes): void {
    const answer = native.aeadCipherOpen(this.#handle, secretOrBytes(nonce), aad, ciphertext, out, undefined);
    check(answer, "AeadCipher.openInto");
  }

  /** As `aead.openSecret`. */
  openSecret(nonce: Secret | Bytes, aad: Bytes, ciphertext: Bytes, nonceXor?: Bytes): Secret {
    const answer = native.aeadCipherOpenSecret(this.#handle, secretOrBytes(nonce), aad, ciphertext, nonceXor);
    return secretOf(answer, "AeadCipher.openSecret");
  }

  /**
   * @internal
   * Opens a sealed bundle, whose secrets stay in native memory.
   * @throws TinyMlsError `undecryptable`, whatever was wrong; `malformed` for an authentic plaintext that is no bundle
   */
  openBundle(nonce: Secret | Bytes, aad: Bytes, ciphertext: Bytes): OpenedBundle {
    const open = roomToOpen(ciphertext, "AeadCipher.openBundle");
    const secrets = secretsOf(mostSecrets(open.byteLength), "AeadCipher.openBundle", (handles) => {
      return native.aeadCipherOpenBundle(this.#handle, secretOrBytes(nonce), aad, ciphertext, open, handles);
    });
    return { bytes: bundleOctets(open, secrets.length), secrets };
  }

  /** Wipes and frees the key. Disposing twice is disposing once; any other use afterwards is a `usage` error. */
  dispose(): void {
    const handle = this.#handle;
    this.#handle = 0;
    release(handle, "AeadCipher.dispose");
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Always throws: a key does not belong in JSON. */
  toJSON(): never {
    throw usage("AeadCipher.toJSON", "a key cannot be serialised");
  }

  [inspect.custom](): string {
    return `AeadCipher { ${this.#handle === 0 ? "disposed" : this.algorithm} }`;
  }
}

function roomToSeal(plaintext: Bytes | Sealable, operation: string): Buffer {
  if (!isUint8Array(plaintext) && typeof (plaintext as Partial<Sealable> | null)?.[sealableHandle] !== "number")
    throw usage(operation, "a plaintext is bytes, a Secret or a PrivateKey");
  return Buffer.allocUnsafe(plaintext.byteLength + aeadTagLength);
}

function roomToOpen(ciphertext: Bytes, operation: string): Buffer {
  if (!isUint8Array(ciphertext)) throw usage(operation, "a ciphertext is bytes");
  return Buffer.allocUnsafe(Math.max(0, ciphertext.byteLength - aeadTagLength));
}
