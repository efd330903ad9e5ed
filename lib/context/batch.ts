import { isUint8Array } from "node:util/types";
import type { TinyMlsError } from "../errors.js";
import type { Bytes } from "../native/addon.js";
import { octetsOf, type BatchArrays } from "./addon.js";
import { bytesOf } from "./arguments.js";
import { contextError } from "./faults.js";
import { FRAME_OVERHEAD } from "./frame.js";
import { usage } from "./options.js";

/** One operation of `Context.processBatch`. */
export interface Operation {
  readonly op: "encrypt" | "decrypt";
  /** A plaintext, or a frame. */
  readonly data: Bytes | string;
  readonly aad?: Bytes | undefined;
}

/** What became of one operation. */
export type OperationResult =
  { readonly ok: true; readonly data: Buffer } | { readonly ok: false; readonly error: TinyMlsError };

export const enum Kind {
  Encrypt = 0,
  Decrypt = 1,
}

/**
 * What Buffers are made by. To call it costs half of what `subarray` and `Buffer.from` do, which find out about the memory anew
 * for each view.
 */
const BufferView = (
  Buffer as unknown as { [Symbol.species]: new (memory: ArrayBuffer, at: number, length: number) => Buffer }
)[Symbol.species];

/** Lengths cross to the addon as 32-bit numbers. */
const maxLength = 2 ** 32 - 1;

/**
 * Operations laid out for the addon: what they read, joined; room for what they write, joined. Both are of this object alone, so
 * that native threads may use them while JavaScript goes on.
 */
export class Batch {
  readonly #operation: string;
  readonly #kinds: Buffer;
  readonly #lengths: Uint32Array;
  readonly #input: Buffer;
  readonly #output: Buffer;
  readonly #answers: Float64Array;

  /** @param aads one for all operations, or one for each */
  constructor(
    operation: string,
    kinds: Kind | Kind[],
    texts: readonly Bytes[],
    aads?: Bytes | readonly (Bytes | undefined)[],
  ) {
    const count = texts.length;
    const aadOf = (i: number) => (isUint8Array(aads) ? aads : aads?.[i]);
    this.#operation = operation;
    this.#kinds = Array.isArray(kinds) ? Buffer.from(kinds) : Buffer.alloc(count, kinds);
    this.#lengths = new Uint32Array(2 * count);
    this.#answers = new Float64Array(count);
    let input = 0;
    let output = 0;
    for (let i = 0; i < count; ++i) {
      const text = (this.#lengths[2 * i] = lengthOf(operation, texts[i], i));
      const aad = (this.#lengths[2 * i + 1] = aads === undefined ? 0 : lengthOf(operation, aadOf(i), i, "aad"));
      input += text + aad;
      output += roomFor(this.#kinds[i]!, text);
    }
    this.#input = Buffer.allocUnsafeSlow(input);
    this.#output = Buffer.allocUnsafeSlow(output);
    let at = 0;
    for (let i = 0; i < count; ++i) {
      this.#input.set(texts[i]!, at);
      at += this.#lengths[2 * i]!;
      const aad = aads === undefined ? undefined : aadOf(i);
      if (aad === undefined) continue;
      this.#input.set(aad, at);
      at += this.#lengths[2 * i + 1]!;
    }
  }

  get arrays(): BatchArrays {
    return [this.#kinds, octetsOf(this.#lengths), this.#input, this.#output, octetsOf(this.#answers)];
  }

  /** The results, in the order of the operations; they share one piece of memory. */
  results<T>(succeeded: (data: Buffer) => T, failed: (error: TinyMlsError) => T): T[] {
    const results: T[] = new Array<T>(this.#answers.length);
    const memory = this.#output.buffer as ArrayBuffer; // of this batch alone, so that it begins where the output does
    let at = 0;
    for (let i = 0; i < results.length; ++i) {
      const answer = this.#answers[i]!;
      const room = roomFor(this.#kinds[i]!, this.#lengths[2 * i]!);
      results[i] =
        answer < 0 ? failed(contextError(answer, this.#operation)) : succeeded(new BufferView(memory, at, answer));
      at += room;
    }
    return results;
  }
}

function lengthOf(operation: string, bytes: Bytes | undefined, index: number, what?: string): number {
  if (bytes === undefined && what !== undefined) return 0;
  if (isUint8Array(bytes) && bytes.length <= maxLength) return bytes.length; // byteLength takes several times as long on Node 20
  const named = what === undefined ? `item ${index}` : `the ${what} of item ${index}`;
  throw usage(operation, `${named} must be a Uint8Array of less than 4 GiB`);
}

function roomFor(kind: Kind, length: number): number {
  return kind === Kind.Encrypt ? length + FRAME_OVERHEAD : Math.max(0, length - FRAME_OVERHEAD);
}

/** The batch of operations of both kinds. */
export function mixedBatch(operation: string, operations: readonly Operation[]): Batch {
  const kinds = operations.map(({ op }, i) => {
    if (op !== "encrypt" && op !== "decrypt") throw usage(operation, `op of item ${i} must be "encrypt" or "decrypt"`);
    return op === "encrypt" ? Kind.Encrypt : Kind.Decrypt;
  });
  const texts = operations.map(({ data }, i) => bytesOf(data, operation, `data of item ${i}`));
  return new Batch(
    operation,
    kinds,
    texts,
    operations.map(({ aad }) => aad),
  );
}
