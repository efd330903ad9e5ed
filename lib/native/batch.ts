import type { Bytes } from "./addon.js";
import { usage } from "./fault.js";

/** The parts of all items of a batch in one array, and the length of each, as the addon reads them. */
export interface Joined {
  readonly bytes: Buffer;
  readonly lengths: Bytes;
}

/** Copies `parts` together. */
export function join(parts: readonly Bytes[], operation: string): Joined {
  const lengths = new Uint32Array(parts.length);
  let total = 0;
  parts.forEach((part, index) => {
    if (!(part instanceof Uint8Array)) throw usage(operation, "each part of an item is bytes");
    total += lengths[index] = part.byteLength;
  });
  const bytes = Buffer.allocUnsafeSlow(total);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  return { bytes, lengths: octetsOf(lengths) };
}

export function octetsOf(numbers: Uint32Array | Float64Array): Bytes {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
