import type { Bytes } from "./addon.js";
import type { Sealable, Secret } from "./secret.js";

/*
 * Octets, and secrets that never become octets of JavaScript, as one plaintext:
 *
 *     4   length of the octets
 *     4   number of the secrets
 *     4   length of each secret
 *     n   the octets
 *     n   the secrets
 */
const headLength = 8;

/** What is sealed together. */
export interface Bundle {
  readonly bytes: Bytes;
  /** Lent. Those of an array become one secret, one after the other. */
  readonly secrets?: readonly (Sealable | readonly Sealable[])[] | undefined;
}

/** The same opened. Whoever has it disposes the secrets. */
export interface OpenedBundle {
  readonly bytes: Buffer;
  readonly secrets: readonly Secret[];
}

/** The plaintext of a bundle, as the parts that are sealed one after the other. */
export function bundleParts({ bytes, secrets = [] }: Bundle): (Sealable | Bytes)[] {
  const octetsAt = headLength + 4 * secrets.length;
  const open = Buffer.allocUnsafe(octetsAt + bytes.byteLength);
  open.writeUInt32BE(bytes.byteLength, 0);
  open.writeUInt32BE(secrets.length, 4);
  const parts: (Sealable | Bytes)[] = [open];
  for (const [index, secret] of secrets.entries()) {
    const joined = "byteLength" in secret ? [secret] : secret;
    open.writeUInt32BE(
      joined.reduce((sum, { byteLength }) => sum + byteLength, 0),
      headLength + 4 * index,
    );
    parts.push(...joined);
  }
  open.set(bytes, octetsAt);
  return parts;
}

/** The octets in the plaintext of a bundle of `count` secrets, of which the secrets themselves need not be there. */
export function bundleOctets(plaintext: Buffer, count = 0): Buffer {
  const start = headLength + 4 * count;
  return plaintext.subarray(start, start + plaintext.readUInt32BE(0));
}

/** As many secrets as the plaintext of a bundle of this length can have. */
export function mostSecrets(plaintextLength: number): number {
  return Math.max(0, Math.floor((plaintextLength - headLength) / 4));
}
