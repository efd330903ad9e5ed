import { endianness } from "node:os";
import type { Bytes } from "./addon.js";
import { usage } from "./fault.js";

/** Octets in one piece or in several, one after the other. */
export type Parts = Bytes | readonly Bytes[];

/** The parts of all items of a batch in one array, and the length of each, as the addon reads them. */
export interface Joined {
  readonly bytes: Buffer;
  readonly lengths: Bytes;
}

const isLittle = endianness() === "LE";

/** Copies `parts` together. */
export function join(parts: readonly Parts[], operation: string): Joined {
  // Few octets come from the pool of Buffer: an array of its own is dear where its memory goes to the addon.
  const lengths = Buffer.allocUnsafe(4 * parts.length);
  let total = 0;
  for (let i = 0; i < parts.length; i++) {
    const length = lengthOf(parts[i]!, operation);
    if (isLittle) lengths.writeUInt32LE(length, 4 * i);
    else lengths.writeUInt32BE(length, 4 * i);
    total += length;
  }
  const bytes = Buffer.allocUnsafe(total);
  let offset = 0;
  for (const part of parts) {
    if (part instanceof Uint8Array) {
      bytes.set(part, offset);
      offset += part.byteLength;
    } else {
      for (const piece of part) {
        bytes.set(piece, offset);
        offset += piece.byteLength;
      }
    }
  }
  return { bytes, lengths };
}

function lengthOf(part: Parts, operation: string): number {
  if (part instanceof Uint8Array) return part.byteLength;
  if (!Array.isArray(part)) throw usage(operation, "each part of an item is bytes");
  return (part as readonly Bytes[]).reduce((sum, piece) => sum + lengthOf(piece, operation), 0);
}

/** A handle for each item, as the addon reads them. */
export function joinHandles(handles: readonly number[]): Bytes {
  const joined = Buffer.allocUnsafe(8 * handles.length);
  handles.forEach((handle, i) =>
    isLittle ? joined.writeDoubleLE(handle, 8 * i) : joined.writeDoubleBE(handle, 8 * i),
  );
  return joined;
}

export function octetsOf(numbers: Uint32Array | Float64Array): Bytes {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
