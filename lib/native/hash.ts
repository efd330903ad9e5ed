import { addon, isBytes, type Bytes } from "./addon.js";
import { hashParameters, type HashAlgorithm } from "./algorithms.js";
import { octetsOf } from "./batch.js";
import { check } from "./fault.js";
import { secretOrBytes, type Secret } from "./secret.js";

interface HashCalls {
  hash(algorithm: number, out: Bytes, ...parts: Bytes[]): number;
  hashEach(algorithm: number, out: Bytes, joined: Bytes, lengths: Bytes): number;
  hmac(algorithm: number, key: number | Bytes, out: Bytes, ...parts: Bytes[]): number;
  hmacVerify(algorithm: number, key: number | Bytes, tag: Bytes, ...parts: Bytes[]): number;
}
const native = addon<HashCalls>();

/** Octets of a digest. */
export function hashLength(algorithm: HashAlgorithm): number {
  return hashParameters(algorithm, "hashLength").length;
}

/** The digest of the parts, one after the other. */
export function hash(algorithm: HashAlgorithm, ...parts: Bytes[]): Buffer {
  const { id, length } = hashParameters(algorithm, "hash");
  const out = Buffer.allocUnsafe(length);
  check(native.hash(id, out, ...few(parts)), "hash");
  return out;
}

/**
 * The digests of many inputs, one after the other in `out`. The inputs are joined in `joined`; `lengths` are theirs.
 * @throws TinyMlsError `usage` where the lengths do not add up or `out` has another size
 */
export function hashEach(algorithm: HashAlgorithm, joined: Bytes, lengths: Uint32Array, out: Bytes): void {
  const { id } = hashParameters(algorithm, "hashEach");
  check(native.hashEach(id, out, joined, octetsOf(lengths)), "hashEach");
}

/** HMAC (RFC 2104) of the parts, one after the other. */
export function hmac(algorithm: HashAlgorithm, key: Secret | Bytes, ...parts: Bytes[]): Buffer {
  const { id, length } = hashParameters(algorithm, "hmac");
  const out = Buffer.allocUnsafe(length);
  check(native.hmac(id, secretOrBytes(key), out, ...few(parts)), "hmac");
  return out;
}

/** Whether `tag` is the HMAC of the parts: in constant time, and never for a truncated tag. */
export function hmacVerify(algorithm: HashAlgorithm, key: Secret | Bytes, tag: Bytes, ...parts: Bytes[]): boolean {
  const { id } = hashParameters(algorithm, "hmacVerify");
  return check(native.hmacVerify(id, secretOrBytes(key), tag, ...few(parts)), "hmacVerify") === 1;
}

// The addon takes eight parts in one call.
function few(parts: Bytes[]): Bytes[] {
  if (parts.length <= 8) return parts;
  const rest = parts.slice(7);
  // A part that is no bytes is left to the addon to refuse.
  const refused = rest.filter((part) => !isBytes(part));
  return [...parts.slice(0, 7), refused.length > 0 ? refused[0]! : Buffer.concat(rest)];
}
