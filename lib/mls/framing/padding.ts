/** RFC 9420 §15.1: how long plaintexts are made. */
import { TinyMlsError } from "../../errors.js";

/**
 * `none`; up to a multiple of so many octets; or `steps`, the default: up to a length whose binary form has few significant digits,
 * so that the length of a message says no more than its order of magnitude does, at the price of at most 12 percent.
 */
export type PaddingPolicy = "none" | "steps" | { readonly multipleOf: number };

/**
 * Zero octets to append to a plaintext of `length` octets.
 * @throws TinyMlsError `config` for what is no policy.
 */
export function paddingFor(policy: PaddingPolicy, length: number): number {
  if (policy === "none") return 0;
  if (policy === "steps") return stepAbove(length) - length;
  const multiple = (policy as { readonly multipleOf?: number } | undefined)?.multipleOf;
  if (typeof multiple !== "number" || !Number.isSafeInteger(multiple) || multiple < 1 || multiple > 2 ** 20) {
    throw new TinyMlsError("config", "padding is none, steps or a multiple of 1 to 1048576 octets", {
      component: "mls",
    });
  }
  return Math.ceil(length / multiple) * multiple - length;
}

// Of the digits after the first, as many may differ from 0 as the number of digits has digits itself.
function stepAbove(length: number): number {
  if (length < 2) return length;
  const exponent = Math.floor(Math.log2(length));
  const step = 2 ** (exponent - Math.floor(Math.log2(exponent || 1)) - 1);
  return step <= 1 ? length : Math.ceil(length / step) * step;
}
