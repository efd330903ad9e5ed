import { publicOctets, splitSecret, type Sealable, type Secret } from "../../native/secret.js";

type Bytes = Uint8Array;

/** What a record holds: octets, and secrets that never become octets of JavaScript. */
export interface Body {
  readonly bytes: Bytes;
  /** Lent. */
  readonly secrets?: readonly Sealable[] | undefined;
}

/** A body read back. Whoever has it disposes the secrets. */
export interface OpenedBody {
  readonly bytes: Buffer;
  readonly secrets: readonly Secret[];
}

const headLength = 8;

/**
 * What is sealed of a body: the length of its octets (4), the number of its secrets (4), their lengths (4 each), the octets, the
 * secrets.
 */
export function partsOf({ bytes, secrets = [] }: Body): (Sealable | Bytes)[] {
  const head = Buffer.allocUnsafe(headLength + 4 * secrets.length + bytes.byteLength);
  head.writeUInt32BE(bytes.byteLength, 0);
  head.writeUInt32BE(secrets.length, 4);
  secrets.forEach(({ byteLength }, index) => head.writeUInt32BE(byteLength, headLength + 4 * index));
  head.set(bytes, headLength + 4 * secrets.length);
  return [head, ...secrets];
}

/** Takes the opened record over. */
export function bodyOf(opened: Secret): OpenedBody {
  using whole = opened;
  const head = publicOctets(whole, 0, headLength);
  const [length, count] = [head.readUInt32BE(0), head.readUInt32BE(4)];
  const lengths = 4 * count;
  const secretsAt = headLength + lengths + length;
  const octets = publicOctets(whole, headLength, secretsAt);
  const secrets = count === 0 ? [] : splitSecret(whole, secretsAt, octets.subarray(0, lengths));
  return { bytes: octets.subarray(lengths), secrets };
}

/** The octets of an opened body that has no secrets. */
export function octetsOf(opened: Buffer): Buffer {
  return opened.subarray(headLength, headLength + opened.readUInt32BE(0));
}
