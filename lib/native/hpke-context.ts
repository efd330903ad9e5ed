import { inspect } from "node:util";
import { addon, type Bytes } from "./addon.js";
import { aeadTagLength } from "./algorithms.js";
import { check, usage } from "./fault.js";
import { hpkeSuite, roomToOpen, sealablePlaintext, type HpkeOptions, type HpkeSuite } from "./hpke-suite.js";
import type { FixedRandomness } from "./kem.js";
import { privateKeyHandle, type PrivateKey } from "./keys.js";
import { release, releaseWhenCollected, secretOf, secretOrBytes, type Sealable, type Secret } from "./secret.js";

type Key = number | Bytes | undefined;
interface ContextCalls {
  hpkeSender(
    suite: number,
    publicKey: Bytes,
    info: Bytes,
    enc: Bytes,
    psk: Key,
    pskId: Bytes | undefined,
    authKey: number | undefined,
    ephemeral: number | undefined,
    randomness: Bytes | undefined,
  ): number;
  hpkeReceiver(
    suite: number,
    key: number,
    enc: Bytes,
    info: Bytes,
    psk: Key,
    pskId: Bytes | undefined,
    authPublicKey: Bytes | undefined,
  ): number;
  hpkeContextSeal(context: number, aad: Bytes, plaintext: number | Bytes, out: Bytes): number;
  hpkeContextOpen(context: number, aad: Bytes, ciphertext: Bytes, out: Bytes): number;
  hpkeContextExport(context: number, exporterContext: Bytes, length: number): number;
}
const native = addon<ContextCalls>();

/**
 * One side of an HPKE conversation (RFC 9180 §5.2); use `hpke.sender` and `hpke.receiver`. Its keys stay in native memory. Each
 * message advances the sequence number; a message that fails to open does not. Dispose it when done.
 */
export class HpkeContext {
  /** The encapsulated secret, which the receiver needs first. */
  readonly enc: Buffer;
  #handle: number;

  private constructor(answer: number, enc: Buffer, operation: string) {
    this.#handle = check(answer, operation);
    releaseWhenCollected(this, answer);
    this.enc = enc;
  }

  /** As `hpke.sender`. @internal `fixed` is for known answers. */
  static sender(
    suite: HpkeSuite,
    publicKey: Bytes,
    info: Bytes,
    options: HpkeOptions,
    fixed: FixedRandomness = {},
  ): HpkeContext {
    const { id, encLength } = hpkeSuite(suite, "hpke.sender");
    const enc = Buffer.allocUnsafe(encLength);
    const psk = options.psk && secretOrBytes(options.psk);
    const authKey = options.authKey && privateKeyHandle(options.authKey);
    const ephemeral = fixed.ephemeral && privateKeyHandle(fixed.ephemeral);
    const answer = native.hpkeSender(
      id,
      publicKey,
      info,
      enc,
      psk,
      options.pskId,
      authKey,
      ephemeral,
      fixed.randomness,
    );
    return new HpkeContext(answer, enc, "hpke.sender");
  }

  /** As `hpke.receiver`. */
  static receiver(suite: HpkeSuite, key: PrivateKey, enc: Bytes, info: Bytes, options: HpkeOptions): HpkeContext {
    const { id } = hpkeSuite(suite, "hpke.receiver");
    const psk = options.psk && secretOrBytes(options.psk);
    const handle = privateKeyHandle(key);
    const answer = native.hpkeReceiver(id, handle, enc, info, psk, options.pskId, options.authPublicKey);
    return new HpkeContext(answer, Buffer.from(enc), "hpke.receiver");
  }

  /** On the sender's side. @throws TinyMlsError `exhausted` at the end of the sequence numbers */
  seal(aad: Bytes, plaintext: Bytes | Sealable): Buffer {
    const text = sealablePlaintext(plaintext, "HpkeContext.seal");
    const out = Buffer.allocUnsafe(plaintext.byteLength + aeadTagLength);
    check(native.hpkeContextSeal(this.#handle, aad, text, out), "HpkeContext.seal");
    return out;
  }

  /** On the receiver's side. @throws TinyMlsError `undecryptable`; the context is then as before */
  open(aad: Bytes, ciphertext: Bytes): Buffer {
    const out = roomToOpen(ciphertext, "HpkeContext.open");
    check(native.hpkeContextOpen(this.#handle, aad, ciphertext, out), "HpkeContext.open");
    return out;
  }

  /** A secret of `length` octets, the same on both sides (RFC 9180 §5.3). */
  export(exporterContext: Bytes, length: number): Secret {
    return secretOf(native.hpkeContextExport(this.#handle, exporterContext, length), "HpkeContext.export");
  }

  /** Wipes and frees the keys. Disposing twice is disposing once; any other use afterwards is a `usage` error. */
  dispose(): void {
    const handle = this.#handle;
    this.#handle = 0;
    release(handle, "HpkeContext.dispose");
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Always throws: keys do not belong in JSON. */
  toJSON(): never {
    throw usage("HpkeContext.toJSON", "a context cannot be serialised");
  }

  [inspect.custom](): string {
    return this.#handle === 0 ? "HpkeContext { disposed }" : "HpkeContext {}";
  }
}
