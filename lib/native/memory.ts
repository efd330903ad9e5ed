import { addon, type Bytes } from "./addon.js";
import { check } from "./fault.js";

interface MemoryCalls {
  wipe(bytes: Bytes): number;
}
const native = addon<MemoryCalls>();

/** Overwrites bytes with zeros: for key material that had to pass through JavaScript, once a `Secret` holds it. */
export function wipe(bytes: Bytes): void {
  check(native.wipe(bytes), "wipe");
}
