// Looks for octets in the memory of this very process (Linux), without holding them in plain itself.
import { closeSync, openSync, readFileSync, readSync } from "node:fs";

const mask = 0xa5;

/** Octets to look for, kept so that looking for them does not find the keeper. */
export class Needle {
  readonly #masked: Uint8Array;

  /** `octets` are read once and not kept. `reversed`: looked for from the last to the first. */
  constructor(octets: Uint8Array, reversed = false) {
    this.#masked = octets.map((octet) => octet ^ mask);
    if (reversed) this.#masked.reverse();
  }

  /** How often they occur in what this process can write to. */
  occurrences(): number {
    return occurrences([this])[0]!;
  }

  get length(): number {
    return this.#masked.length;
  }

  /** The first two octets as one number. */
  get start(): number {
    return ((this.#masked[0]! ^ mask) << 8) | (this.#masked[1]! ^ mask);
  }

  at(chunk: Uint8Array, position: number): boolean {
    const masked = this.#masked;
    for (let i = 0; i < masked.length; i++) if (chunk[position + i] !== (masked[i]! ^ mask)) return false;
    return true;
  }
}

/** Hands over octets in chunks that overlap; an occurrence counts in the chunk in which it starts before `starts`. */
type Walk = (overlap: number, look: (chunk: Uint8Array, length: number, starts: number) => void) => void;

/** How often each needle occurs in what this process can write to, in one walk. */
export function occurrences(needles: readonly Needle[]): number[] {
  return occurrencesIn(needles, forEachChunk);
}

/** The same in octets, say of files. */
export function occurrencesInOctets(needles: readonly Needle[], pieces: readonly Uint8Array[]): number[] {
  return occurrencesIn(needles, (_, look) => {
    for (const piece of pieces) look(piece, piece.length, piece.length);
  });
}

function occurrencesIn(needles: readonly Needle[], walk: Walk): number[] {
  const found = needles.map(() => 0);
  if (needles.length === 0) return found;
  const starts = new Map<number, number[]>();
  needles.forEach(({ start }, i) => starts.set(start, [...(starts.get(start) ?? []), i]));
  const wanted = new Uint8Array(0x10000);
  for (const start of starts.keys()) wanted[start] = 1;
  const lengths = needles.map(({ length }) => length);
  const least = Math.min(...lengths);
  walk(Math.max(...lengths) - 1, (chunk, length, end) => {
    let start = chunk[0]!;
    const last = Math.min(end - 1, length - least);
    for (let at = 0; at <= last; at++) {
      start = ((start << 8) | chunk[at + 1]!) & 0xffff;
      if (wanted[start] === 0) continue;
      for (const i of starts.get(start)!) if (at + lengths[i]! <= length && needles[i]!.at(chunk, at)) found[i]!++;
    }
  });
  return found;
}

const chunk = new Uint8Array(1 << 18);
const zeros = new Uint8Array(chunk.length);

function forEachChunk(overlap: number, look: (chunk: Uint8Array, length: number, starts: number) => void): void {
  const memory = openSync("/proc/self/mem", "r");
  try {
    for (const line of readFileSync("/proc/self/maps", "latin1").split("\n")) {
      const range = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
      if (range === null || /\[vvar/.test(line)) continue;
      const end = BigInt(`0x${range[2]}`);
      let at = BigInt(`0x${range[1]}`);
      while (at < end) {
        chunk.fill(0); // it lies in that memory, too
        const wanted = Math.min(chunk.length, Number(end - at));
        const length = tryRead(memory, wanted, at);
        const isLast = length < wanted || at + BigInt(length) === end;
        const starts = isLast ? length : length - overlap;
        // Most of what is mapped was never written to.
        if (Buffer.compare(chunk.subarray(0, length), zeros.subarray(0, length)) !== 0) look(chunk, length, starts);
        if (isLast) break;
        at += BigInt(starts);
      }
    }
  } finally {
    chunk.fill(0);
    closeSync(memory);
  }
}

function tryRead(memory: number, length: number, at: bigint): number {
  try {
    return readSync(memory, chunk, 0, length, at);
  } catch {
    return 0; // gone since the list was read
  }
}
