import { addon, type Bytes } from "./addon.js";
import { aeadTagLength } from "./algorithms.js";
import { check } from "./fault.js";
import { HpkeContext } from "./hpke-context.js";
import { sealAll, type HpkeItem, type HpkeSealed } from "./hpke-seal-all.js";
import { hpkeSuite, roomToOpen, sealablePlaintext, type HpkeOptions, type HpkeSuite } from "./hpke-suite.js";
import { privateKeyHandle, type PrivateKey } from "./keys.js";
import { secretOf, secretOrBytes, type Sealable, type Secret } from "./secret.js";

export type { HpkeItem, HpkeSealed } from "./hpke-seal-all.js";
export type { HpkeAead, HpkeKdf, HpkeOptions, HpkeSuite } from "./hpke-suite.js";
export { HpkeContext } from "./hpke-context.js";

type Key = number | Bytes | undefined;
type Optional = Bytes | undefined;
type Handle = number | undefined;
interface HpkeCalls {
  hpkeSeal(
    suite: number,
    publicKey: Bytes,
    info: Bytes,
    aad: Bytes,
    plaintext: number | Bytes,
    enc: Bytes,
    out: Bytes,
    psk: Key,
    pskId: Optional,
    authKey: Handle,
  ): number;
  hpkeOpen(
    suite: number,
    key: number,
    enc: Bytes,
    info: Bytes,
    aad: Bytes,
    ciphertext: Bytes,
    out: Bytes,
    psk: Key,
    pskId: Optional,
    authPublicKey: Optional,
  ): number;
  hpkeOpenSecret(
    suite: number,
    key: number,
    enc: Bytes,
    info: Bytes,
    aad: Bytes,
    ciphertext: Bytes,
    psk: Key,
    pskId: Optional,
    authPublicKey: Optional,
  ): number;
  hpkeExportSender(
    suite: number,
    publicKey: Bytes,
    info: Bytes,
    exporterContext: Bytes,
    length: number,
    enc: Bytes,
    psk: Key,
    pskId: Optional,
    authKey: Handle,
  ): number;
  hpkeExportReceiver(
    suite: number,
    key: number,
    enc: Bytes,
    info: Bytes,
    exporterContext: Bytes,
    length: number,
    psk: Key,
    pskId: Optional,
    authPublicKey: Optional,
  ): number;
}
const native = addon<HpkeCalls>();

/**
 * HPKE (RFC 9180) in the modes base, psk, auth and authPsk, chosen by the options.
 *
 * Opening throws `undecryptable` for whatever a sender or a stranger can get wrong: `enc`, ciphertext, aad, info, psk and sender key
 * alike. A receiver's public key that is refused is `malformed` (length, encoding) or `invalid` (no valid point). `usage`: a
 * key of another KEM; a psk without pskId, the reverse, or a psk of less than 32 octets (RFC 9180 §5.1).
 */
export const hpke = {
  /** RFC 9180 §6.1. A `Secret` or `PrivateKey` is sealed without its bytes entering JavaScript. */
  seal(
    suite: HpkeSuite,
    publicKey: Bytes,
    info: Bytes,
    aad: Bytes,
    plaintext: Bytes | Sealable,
    options: HpkeOptions = {},
  ): HpkeSealed {
    const { id, encLength } = hpkeSuite(suite, "hpke.seal");
    const text = sealablePlaintext(plaintext, "hpke.seal");
    const enc = Buffer.allocUnsafe(encLength);
    const ciphertext = Buffer.allocUnsafe(plaintext.byteLength + aeadTagLength);
    const { psk, pskId, authKey } = senderInputs(options);
    check(native.hpkeSeal(id, publicKey, info, aad, text, enc, ciphertext, psk, pskId, authKey), "hpke.seal");
    return { enc, ciphertext };
  },

  /**
   * Opens one message (RFC 9180 §6.1).
   * @throws TinyMlsError `undecryptable`, whatever was wrong
   */
  open(
    suite: HpkeSuite,
    key: PrivateKey,
    enc: Bytes,
    info: Bytes,
    aad: Bytes,
    ciphertext: Bytes,
    options: HpkeOptions = {},
  ): Buffer {
    const { id } = hpkeSuite(suite, "hpke.open");
    const out = roomToOpen(ciphertext, "hpke.open");
    const { psk, pskId, authPublicKey } = receiverInputs(options);
    const handle = privateKeyHandle(key);
    check(native.hpkeOpen(id, handle, enc, info, aad, ciphertext, out, psk, pskId, authPublicKey), "hpke.open");
    return out;
  },

  /** Opens into native memory. */
  openSecret(
    suite: HpkeSuite,
    key: PrivateKey,
    enc: Bytes,
    info: Bytes,
    aad: Bytes,
    ciphertext: Bytes,
    options: HpkeOptions = {},
  ): Secret {
    const { id } = hpkeSuite(suite, "hpke.openSecret");
    const { psk, pskId, authPublicKey } = receiverInputs(options);
    const handle = privateKeyHandle(key);
    return secretOf(
      native.hpkeOpenSecret(id, handle, enc, info, aad, ciphertext, psk, pskId, authPublicKey),
      "hpke.openSecret",
    );
  },

  /**
   * Seals many messages in base mode, in parallel off the event loop unless they are so few that they are done at once. The inputs
   * are copied before this returns; secrets may be disposed then. All are sealed or none: the error of the first that is refused names it by `path`, as `items[3]`.
   */
  sealAll: (suite: HpkeSuite, items: readonly HpkeItem[]): Promise<HpkeSealed[]> => sealAll(suite, items),

  /** RFC 9180 §6.2: a secret of `length` octets that the receiver exports likewise. */
  exportSender(
    suite: HpkeSuite,
    publicKey: Bytes,
    info: Bytes,
    exporterContext: Bytes,
    length: number,
    options: HpkeOptions = {},
  ): { enc: Buffer; secret: Secret } {
    const { id, encLength } = hpkeSuite(suite, "hpke.exportSender");
    const enc = Buffer.allocUnsafe(encLength);
    const { psk, pskId, authKey } = senderInputs(options);
    const answer = native.hpkeExportSender(id, publicKey, info, exporterContext, length, enc, psk, pskId, authKey);
    return { secret: secretOf(answer, "hpke.exportSender"), enc };
  },

  /** The secret that `exportSender` gave the sender (RFC 9180 §6.2). */
  exportReceiver(
    suite: HpkeSuite,
    key: PrivateKey,
    enc: Bytes,
    info: Bytes,
    exporterContext: Bytes,
    length: number,
    options: HpkeOptions = {},
  ): Secret {
    const { id } = hpkeSuite(suite, "hpke.exportReceiver");
    const { psk, pskId, authPublicKey } = receiverInputs(options);
    const handle = privateKeyHandle(key);
    return secretOf(
      native.hpkeExportReceiver(id, handle, enc, info, exporterContext, length, psk, pskId, authPublicKey),
      "hpke.exportReceiver",
    );
  },

  /** A sender's context for many messages to one receiver, who needs `context.enc`. */
  sender(suite: HpkeSuite, publicKey: Bytes, info: Bytes, options: HpkeOptions = {}): HpkeContext {
    return HpkeContext.sender(suite, publicKey, info, options);
  },

  /** A receiver's context: it opens the messages in the order in which they were sealed. */
  receiver(suite: HpkeSuite, key: PrivateKey, enc: Bytes, info: Bytes, options: HpkeOptions = {}): HpkeContext {
    return HpkeContext.receiver(suite, key, enc, info, options);
  },
};

function senderInputs({ psk, pskId, authKey }: HpkeOptions): { psk: Key; pskId: Optional; authKey: Handle } {
  return { psk: psk && secretOrBytes(psk), pskId, authKey: authKey && privateKeyHandle(authKey) };
}

function receiverInputs({ psk, pskId, authPublicKey }: HpkeOptions): {
  psk: Key;
  pskId: Optional;
  authPublicKey: Optional;
} {
  return { psk: psk && secretOrBytes(psk), pskId, authPublicKey };
}
