import { addon, type Bytes } from "./addon.js";
import { check } from "./fault.js";

interface CompareCalls {
  constantTimeEqual(a: Bytes, b: Bytes): number;
}
const native = addon<CompareCalls>();

/**
 * Whether two values are equal, in time that depends on their lengths alone. Unlike `crypto.timingSafeEqual` it takes unequal
 * lengths, which are not equal.
 */
export function constantTimeEqual(a: Bytes, b: Bytes): boolean {
  return check(native.constantTimeEqual(a, b), "constantTimeEqual") === 1;
}
