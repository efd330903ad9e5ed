import { addon, type Bytes } from "./addon.js";
import { check, usage } from "./fault.js";

interface RandomCalls {
  randomFill(out: Bytes): number;
}
const native = addon<RandomCalls>();

const maxLength = 2 ** 31 - 1;

/** Bytes of OpenSSL's public DRBG, for nonces, ids and other values that are not secret. Keys come from `Secret.random`. */
export function randomBytes(length: number): Buffer {
  if (!Number.isInteger(length) || length < 0 || length > maxLength)
    throw usage("randomBytes", `a length is an integer from 0 to ${maxLength}`);
  const out = Buffer.allocUnsafe(length);
  check(native.randomFill(out), "randomBytes");
  return out;
}
