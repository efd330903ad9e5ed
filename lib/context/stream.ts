import { Transform, type TransformCallback } from "node:stream";
import { TinyMlsError } from "../errors.js";
import type { Bytes } from "../native/addon.js";
import { bytesOf } from "./arguments.js";
import { FRAME_HEADER, FRAME_OVERHEAD } from "./frame.js";
import { usage } from "./options.js";

/** The two operations that a stream needs of its Context. */
export interface Sealer {
  encryptInto(plaintext: Bytes, out: Bytes, aad: Bytes): number;
  decrypt(frame: Bytes, options: { aad: Bytes }): Buffer;
}

export interface EncryptStreamOptions {
  /** Octets of plaintext in a frame, 1 to 16 MiB. Default 64 KiB. */
  chunkSize?: number;
  /** Bound to each frame: the reader must name the same. */
  aad?: Bytes;
}

export interface DecryptStreamOptions {
  /** The largest chunk of plaintext that is accepted, which bounds the memory used. Default 1 MiB. */
  maxChunkSize?: number;
  aad?: Bytes;
}

const defaultChunkSize = 64 * 1024;
const defaultMaxChunkSize = 1024 * 1024;
const largestChunkSize = 16 * 1024 * 1024;
const none = new Uint8Array(0);

const prefixLength = 4;
const label = Buffer.from("tinymls stream 1", "latin1");
const indexAt = label.length + FRAME_HEADER;
const finalAt = indexAt + 8;

/**
 * The associated data of a stream's frames: label, stream id, chunk index, final-chunk flag, the caller's data. The id is the header
 * of the first frame, which no other frame has; for the first frame itself it is zeros, since a frame binds its own header.
 */
class ChunkBinding {
  readonly #aad: Buffer;
  #index = 0n;

  constructor(aad: Bytes) {
    this.#aad = Buffer.alloc(finalAt + 1 + aad.byteLength);
    label.copy(this.#aad);
    this.#aad.set(aad, finalAt + 1);
  }

  of(final: boolean): Buffer {
    this.#aad.writeBigUInt64BE(this.#index, indexAt);
    this.#aad[finalAt] = final ? 1 : 0;
    return this.#aad;
  }

  next(frame: Bytes): void {
    if (this.#index === 0n) this.#aad.set(frame.subarray(0, FRAME_HEADER), label.length);
    ++this.#index;
  }
}

function chunkSizeOf(operation: string, name: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (Number.isInteger(value) && value >= 1 && value <= largestChunkSize) return value;
  throw usage(operation, `${name} must be an integer from 1 to ${largestChunkSize}`);
}

/** Seals what is written to it, in chunks. */
export class EncryptStream extends Transform {
  readonly #context: Sealer;
  readonly #binding: ChunkBinding;
  readonly #chunk: Buffer;
  #filled = 0;

  constructor(context: Sealer, { chunkSize, aad }: EncryptStreamOptions) {
    super({ decodeStrings: true });
    const operation = "Context.createEncryptStream";
    this.#context = context;
    this.#binding = new ChunkBinding(bytesOf(aad ?? none, operation, "aad"));
    this.#chunk = Buffer.allocUnsafeSlow(chunkSizeOf(operation, "chunkSize", chunkSize, defaultChunkSize));
  }

  override _transform(data: Buffer, _encoding: string, done: TransformCallback): void {
    settle(done, () => {
      for (let rest = data; rest.length > 0;) {
        // A full chunk waits for the next octet, since the last chunk is sealed as the last.
        if (this.#filled === this.#chunk.length) this.#seal(false);
        const taken = rest.copy(this.#chunk, this.#filled);
        this.#filled += taken;
        rest = rest.subarray(taken);
      }
    });
  }

  override _flush(done: TransformCallback): void {
    settle(done, () => this.#seal(true));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#chunk.fill(0);
    done(error);
  }

  #seal(final: boolean): void {
    const length = this.#filled + FRAME_OVERHEAD;
    const out = Buffer.allocUnsafeSlow(prefixLength + length);
    out.writeUInt32BE(length);
    const frame = out.subarray(prefixLength);
    this.#context.encryptInto(this.#chunk.subarray(0, this.#filled), frame, this.#binding.of(final));
    this.#filled = 0;
    this.#binding.next(frame);
    this.push(out);
  }
}

/**
 * Opens what an EncryptStream wrote. Each chunk is authentic, and in its place, before it is passed on; that the stream is whole is known
 * when it ends without an error, not before.
 */
export class DecryptStream extends Transform {
  readonly #context: Sealer;
  readonly #binding: ChunkBinding;
  readonly #maxFrame: number;
  #pending: Buffer[] = [];
  #available = 0;
  #needed = prefixLength;
  #inFrame = false;
  /** A frame waits until it is known whether another one follows it. */
  #held: Buffer | undefined;

  constructor(context: Sealer, { maxChunkSize, aad }: DecryptStreamOptions) {
    super({ decodeStrings: true });
    const operation = "Context.createDecryptStream";
    const largest = chunkSizeOf(operation, "maxChunkSize", maxChunkSize, defaultMaxChunkSize);
    this.#context = context;
    this.#binding = new ChunkBinding(bytesOf(aad ?? none, operation, "aad"));
    this.#maxFrame = largest + FRAME_OVERHEAD;
  }

  override _transform(data: Buffer, _encoding: string, done: TransformCallback): void {
    settle(done, () => {
      if (data.length === 0) return;
      if (this.#held !== undefined) this.#open(false);
      this.#pending.push(data);
      this.#available += data.length;
      while (this.#available >= this.#needed) this.#take(this.#read(this.#needed));
    });
  }

  override _flush(done: TransformCallback): void {
    settle(done, () => {
      if (this.#held === undefined || this.#available > 0 || this.#inFrame) {
        throw refused("the stream ends before its final chunk", "stream/truncated");
      }
      this.#open(true);
    });
  }

  #take(octets: Buffer): void {
    if (this.#inFrame) {
      this.#inFrame = false;
      this.#needed = prefixLength;
      this.#held = octets;
      if (this.#available > 0) this.#open(false);
      return;
    }
    const length = octets.readUInt32BE();
    if (length < FRAME_OVERHEAD || length > this.#maxFrame) {
      throw refused(
        `a frame of ${length} bytes; ${FRAME_OVERHEAD} to ${this.#maxFrame} are accepted`,
        "stream/frame-length",
      );
    }
    this.#inFrame = true;
    this.#needed = length;
  }

  #open(final: boolean): void {
    const frame = this.#held!;
    this.#held = undefined;
    const chunk = this.#context.decrypt(frame, { aad: this.#binding.of(final) });
    this.#binding.next(frame);
    if (chunk.length > 0) this.push(chunk);
  }

  /** The next octets, which are available. */
  #read(length: number): Buffer {
    this.#available -= length;
    const first = this.#pending[0]!;
    if (first.length >= length) {
      if (first.length === length) this.#pending.shift();
      else this.#pending[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    const whole = Buffer.allocUnsafe(length);
    let filled = 0;
    let used = 0;
    while (filled < length) {
      const part = this.#pending[used]!;
      const taken = part.copy(whole, filled, 0, length - filled);
      filled += taken;
      if (taken === part.length) ++used;
      else this.#pending[used] = part.subarray(taken);
    }
    this.#pending.splice(0, used);
    return whole;
  }
}

function refused(message: string, rule: string): TinyMlsError {
  const operation = "Context.createDecryptStream";
  return new TinyMlsError("malformed", `${operation}: ${message}`, { operation, component: "context", rule });
}

function settle(done: TransformCallback, work: () => void): void {
  try {
    work();
  } catch (error) {
    done(error as Error);
    return;
  }
  done();
}
