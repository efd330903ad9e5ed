import { CodecFault, type EncodingRule } from "./fault.js";
import type { Limits } from "./limits.js";

const empty = new Uint8Array(0);

/**
 * A cursor over one input. `end` is where the innermost open vector stops; nothing is read past it.
 * What it hands out are views on the input, never copies.
 */
export class Reader {
  readonly bytes: Uint8Array;
  offset = 0;
  end: number;
  private readonly buffer: ArrayBufferLike;
  private readonly base: number;
  private elementsLeft: number;

  constructor(bytes: Uint8Array, limits: Limits) {
    this.bytes = bytes;
    this.end = bytes.byteLength;
    this.buffer = bytes.buffer;
    this.base = bytes.byteOffset;
    this.elementsLeft = limits.maxElements;
    if (bytes.byteLength > limits.maxSize) throw this.beyond(`longer than the limit of ${limits.maxSize} octets`);
  }

  uint8(): number {
    return this.bytes[this.advance(1)]!;
  }

  uint16(): number {
    const at = this.advance(2);
    return (this.bytes[at]! << 8) | this.bytes[at + 1]!;
  }

  uint32(): number {
    return this.number(this.advance(4));
  }

  uint64(): bigint {
    const at = this.advance(8);
    return (BigInt(this.number(at)) << 32n) | BigInt(this.number(at + 4));
  }

  /** RFC 9420 §2.1.2: a length header, minimal, whose content lies before `end`. */
  length(): number {
    const at = this.advance(1);
    const first = this.bytes[at]!;
    let length = first & 0x3f;
    if (first >= 0x40) {
      if (first >= 0xc0) throw this.fault("length with prefix 3", at);
      if (first < 0x80) {
        length = (length << 8) | this.bytes[this.advance(1)]!;
        if (length < 0x40) throw this.fault("length not in its shortest form", at, "2.1.2/minimal-length");
      } else {
        const rest = this.advance(3);
        length = (length << 24) | (this.bytes[rest]! << 16) | (this.bytes[rest + 1]! << 8) | this.bytes[rest + 2]!;
        if (length < 0x4000) throw this.fault("length not in its shortest form", at, "2.1.2/minimal-length");
      }
    }
    if (length > this.end - this.offset) {
      throw this.fault(`length ${length} where ${this.end - this.offset} octets are left`, at);
    }
    return length;
  }

  /** The next `length` octets as a view. */
  take(length: number): Uint8Array {
    if (length === 0) return empty;
    return new Uint8Array(this.buffer, this.base + this.advance(length), length);
  }

  /** What was read since `start`, as a view. */
  since(start: number): Uint8Array {
    return new Uint8Array(this.buffer, this.base + start, this.offset - start);
  }

  skip(length: number): void {
    this.advance(length);
  }

  countElement(): void {
    if (--this.elementsLeft < 0) throw this.beyond("more elements than the limit");
  }

  fault(reason: string, offset = this.offset, rule: EncodingRule = "2.1/encoding"): CodecFault {
    return new CodecFault("malformed", reason, offset, rule);
  }

  /** A limit of this decoder, not of RFC 9420. */
  private beyond(reason: string): CodecFault {
    return new CodecFault("malformed", reason, this.offset);
  }

  /** Of 4 octets. */
  private number(at: number): number {
    const { bytes } = this;
    return bytes[at]! * 2 ** 24 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
  }

  private advance(octets: number): number {
    const at = this.offset;
    if (octets > this.end - at) throw this.fault(`${octets} octets wanted where ${this.end - at} are left`);
    this.offset = at + octets;
    return at;
  }
}
