import { TinyMlsError } from "../errors.js";
import { misfit } from "./fault.js";

/** RFC 9420 §2.1.2: the greatest length that a header can carry. */
export const maxVectorLength = 0x3fffffff;

const initialSize = 16 * 1024;
const largestKept = 256 * 1024;

/** A growing buffer. What it held is erased when it is emptied or outgrown, since structs may hold plaintext. */
export class Writer {
  private bytes = new Uint8Array(initialSize);
  private view = new DataView(this.bytes.buffer);
  private used = 0;

  uint8(value: number): void {
    const at = this.reserve(1);
    this.bytes[at] = value;
  }

  uint16(value: number): void {
    const at = this.reserve(2);
    this.bytes[at] = value >>> 8;
    this.bytes[at + 1] = value;
  }

  uint32(value: number): void {
    const at = this.reserve(4);
    this.view.setUint32(at, value);
  }

  uint64(value: bigint): void {
    const at = this.reserve(8);
    this.view.setBigUint64(at, value);
  }

  octets(value: Uint8Array): void {
    const at = this.reserve(value.byteLength);
    this.bytes.set(value, at);
  }

  zeros(count: number): void {
    const at = this.reserve(count);
    this.bytes.fill(0, at, at + count);
  }

  length(value: number): void {
    const at = this.reserve(headerSize(value));
    putLength(this.bytes, at, value);
  }

  /** Opens a vector: leaves room for the shortest header. */
  open(): number {
    return this.reserve(1);
  }

  /** Closes the vector opened at `mark`: writes its length, and moves its content when the header needs more room. */
  close(mark: number): void {
    const length = this.used - mark - 1;
    const header = headerSize(length);
    if (header > 1) {
      this.reserve(header - 1);
      this.bytes.copyWithin(mark + header, mark + 1, mark + 1 + length);
    }
    putLength(this.bytes, mark, length);
  }

  /** A copy of what was written. */
  result(): Buffer {
    const out = Buffer.allocUnsafe(this.used);
    out.set(this.bytes.subarray(0, this.used));
    return out;
  }

  clear(): void {
    if (this.bytes.byteLength > largestKept) this.grow(initialSize);
    else this.bytes.fill(0, 0, this.used);
    this.used = 0;
  }

  /** Where they go. Afterwards `bytes` and `view` may be others: take them after the call, not before. */
  private reserve(octets: number): number {
    const at = this.used;
    const end = at + octets;
    if (end > this.bytes.byteLength) this.grow(Math.max(end, 2 * this.bytes.byteLength));
    this.used = end;
    return at;
  }

  private grow(size: number): void {
    const old = this.bytes;
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
    if (size > old.byteLength) this.bytes.set(old.subarray(0, this.used));
    old.fill(0, 0, this.used);
  }
}

function headerSize(length: number): 1 | 2 | 4 {
  if (length > maxVectorLength) throw misfit(`${length} octets where a vector holds ${maxVectorLength} at most`);
  return length < 0x40 ? 1 : length < 0x4000 ? 2 : 4;
}

function putLength(bytes: Uint8Array, at: number, length: number): void {
  if (length < 0x40) {
    bytes[at] = length;
  } else if (length < 0x4000) {
    bytes[at] = 0x40 | (length >>> 8);
    bytes[at + 1] = length;
  } else {
    bytes[at] = 0x80 | (length >>> 24);
    bytes[at + 1] = length >>> 16;
    bytes[at + 2] = length >>> 8;
    bytes[at + 3] = length;
  }
}

/** The header alone of a vector of `length` octets, for content that must not enter JavaScript. */
export function lengthHeader(length: number): Buffer {
  requireLength(length);
  const out = Buffer.allocUnsafe(headerSize(length));
  putLength(out, 0, length);
  return out;
}

/** Octets of a vector of `length` octets, its header included. */
export function vectorSize(length: number): number {
  requireLength(length);
  return headerSize(length) + length;
}

/** Writes `content` as a vector at `at`, where {@link vectorSize} octets are free. For messages laid out by hand, being many. */
export function putVector(out: Uint8Array, at: number, content: Uint8Array): number {
  const end = at + vectorSize(content.byteLength);
  putLength(out, at, content.byteLength);
  out.set(content, end - content.byteLength);
  return end;
}

/** Writes the header of a vector of `length` octets at `at`; answers where its content begins. */
export function putHeader(out: Uint8Array, at: number, length: number): number {
  requireLength(length);
  putLength(out, at, length);
  return at + headerSize(length);
}

function requireLength(length: number): void {
  if (Number.isSafeInteger(length) && length >= 0 && length <= maxVectorLength) return;
  const details = { operation: "lengthHeader", component: "codec" };
  throw new TinyMlsError("usage", `a length is an integer from 0 to ${maxVectorLength}`, details);
}
