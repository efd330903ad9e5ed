/**
 * Hexadecimal digits to and from octets without a string in between: strings cannot be wiped.
 */
import type { Bytes } from "../../native/addon.js";

const digits = Buffer.from("0123456789abcdef", "latin1");

/** Writes two digits for each octet of `octets` into `out`. */
export function writeHex(octets: Bytes, out: Bytes): void {
  octets.forEach((octet, i) => {
    out[2 * i] = digits[octet >> 4]!;
    out[2 * i + 1] = digits[octet & 15]!;
  });
}

/** Reads `hex` into `out`, half as long; false where it is not hexadecimal of that length. */
export function readHex(hex: Bytes, out: Bytes): boolean {
  if (hex.byteLength !== 2 * out.byteLength) return false;
  for (let i = 0; i < out.byteLength; ++i) {
    const high = digits.indexOf(hex[2 * i]!);
    const low = digits.indexOf(hex[2 * i + 1]!);
    if (high < 0 || low < 0) return false;
    out[i] = (high << 4) | low;
  }
  return true;
}
