import { inspect } from "node:util";
import { isUint8Array } from "node:util/types";
import { addon, type Bytes } from "./addon.js";
import { check, faultError, usage } from "./fault.js";
import { release, releaseWhenCollected, secretOf, type Secret } from "./secret.js";

interface MemoryCalls {
  secureBuffer(length: number): number;
  secureBufferExpose(buffer: number): ArrayBuffer | number;
  secureBufferWipe(buffer: number): number;
  secureBufferDetach(buffer: number, exposed: ArrayBuffer): number;
  secureBufferToSecret(buffer: number): number;
  wipe(bytes: Bytes): number;
  setStrictMemory(strict: number): number;
}
const native = addon<MemoryCalls>();

/**
 * Overwrites bytes with zeros: for key material that had to pass through JavaScript, once a `Secret` holds it. The collector may have
 * copied an array of up to 64 octets by then, which V8 keeps on its own heap: `SecureBuffer` has no such copies.
 */
export function wipe(bytes: Bytes): void {
  // In JavaScript: the addon would make V8 move a small array, and wipe what it was moved to.
  if (isUint8Array(bytes) && bytes.byteLength > 0) Uint8Array.prototype.fill.call(bytes, 0);
  else check(native.wipe(bytes), "wipe"); // nothing to wipe, or no bytes
}

/**
 * With `true`, memory for secrets that cannot be locked is refused from now on with an `internal` error, instead of being used and
 * counted in `capabilities().memory.unlockedBytes`. It holds for the whole process, all its threads included.
 */
export function setStrictMemory(strict: boolean): void {
  check(native.setStrictMemory(strict ? 1 : 0), "setStrictMemory");
}

/**
 * Locked native memory that code can read and write as bytes: for key material of other libraries. What never has to be bytes in
 * JavaScript belongs in a `Secret`.
 *
 * `dispose` wipes it and takes it away: every view of it has length 0 afterwards. It cannot be transferred to another thread.
 */
export class SecureBuffer {
  #handle: number;
  readonly #memory: ArrayBuffer;
  readonly #bytes: Uint8Array;

  /** `length` zero bytes, 1 to 2^24. */
  constructor(length: number) {
    this.#handle = check(native.secureBuffer(length), "SecureBuffer");
    releaseWhenCollected(this, this.#handle);
    const memory = native.secureBufferExpose(this.#handle);
    if (typeof memory === "number") throw faultError(memory, "SecureBuffer");
    this.#memory = memory;
    this.#bytes = new Uint8Array(memory);
  }

  /** Zeroed bytes in locked native memory. */
  static alloc(length: number): SecureBuffer {
    return new SecureBuffer(length);
  }

  /** A copy of `bytes`. The caller's bytes stay as they are: wipe them (`wipe`) when they are secret. */
  static from(bytes: Bytes): SecureBuffer {
    if (!isUint8Array(bytes)) throw usage("SecureBuffer.from", "bytes are a Uint8Array");
    const buffer = new SecureBuffer(bytes.byteLength);
    buffer.#bytes.set(bytes);
    return buffer;
  }

  /** The memory itself, not a copy. Of length 0 once disposed. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Octets; 0 once disposed. */
  get byteLength(): number {
    return this.#bytes.byteLength;
  }

  /** A `Secret` of its own with the same octets. */
  toSecret(): Secret {
    return secretOf(native.secureBufferToSecret(this.#handle), "SecureBuffer.toSecret");
  }

  /** Wipes and takes away the memory. Disposing twice is disposing once. */
  dispose(): void {
    const handle = this.#handle;
    if (handle === 0) return;
    this.#handle = 0;
    check(native.secureBufferWipe(handle), "SecureBuffer.dispose");
    detach(handle, this.#memory);
    release(handle, "SecureBuffer.dispose");
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Redacted. */
  toString(): string {
    return this.#handle === 0 ? "SecureBuffer { disposed }" : `SecureBuffer { ${this.byteLength} bytes }`;
  }

  /** Always throws: key material does not belong in JSON. */
  toJSON(): never {
    throw usage("SecureBuffer.toJSON", "key material cannot be serialised");
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

// From Node 22 on JavaScript detaches. Someone may have forbidden that (`markAsUntransferable`): what they keep is zeros then.
function detach(handle: number, memory: ArrayBuffer & { transfer?: () => ArrayBuffer }): void {
  if (memory.transfer === undefined) return void native.secureBufferDetach(handle, memory);
  try {
    memory.transfer();
  } catch {
    // the memory is wiped, and it lives as long as the view
  }
}
