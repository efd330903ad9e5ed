import { createCipheriv, createDecipheriv } from "node:crypto";
import { cpus } from "node:os";
import { Context, FRAME_OVERHEAD } from "../../context/index.js";
import { randomBytes } from "../../native/random.js";
import { align, count } from "../table.js";

/** One measure, in the form that `npm run bench -- --json` writes. */
export interface Measure {
  readonly name: string;
  readonly value: number;
  readonly unit: "messages/s" | "MB/s";
  readonly peers: Readonly<Record<string, number>>;
}

export const peer = "node:crypto";

export function environment(): Record<string, string | number> {
  const { node, openssl } = process.versions;
  const processors = cpus();
  return {
    node,
    openssl: openssl ?? "none",
    platform: `${process.platform}-${process.arch}`,
    cpu: processors[0]?.model ?? "unknown",
    cpus: processors.length,
  };
}

const mebibyte = 1024 * 1024;
const algorithm = "aes-256-gcm";
const headerLength = 23;
const rounds = 7;

/** Sealing and opening of 64 B and 1 MiB, and the same with node:crypto, in turns; about `seconds` long in all. */
export async function measureAll(seconds: number): Promise<Measure[]> {
  using context = new Context();
  const results: Measure[] = [];
  const share = (seconds * 1000) / 4 / 2 / rounds;
  for (const length of [64, mebibyte]) {
    const size = length === 64 ? "64 B" : "1 MiB";
    for (const [name, pair] of [
      [`encryptInto ${size}`, sealers(context, length)],
      [`decryptInto ${size}`, openers(context, length)],
    ] as const) {
      results.push(await compare(name, length, pair, share));
    }
  }
  return results;
}

interface Pair {
  /** Before each round. */
  readonly prepare?: () => void;
  readonly own: () => void;
  readonly other: () => void;
}

function sealers(context: Context, length: number): Pair {
  const text = randomBytes(length);
  const out = Buffer.allocUnsafeSlow(length + FRAME_OVERHEAD);
  const [key, nonce, header] = [randomBytes(32), randomBytes(12), randomBytes(headerLength)];
  return {
    own: () => context.encryptInto(text, out),
    other: () => {
      const cipher = createCipheriv(algorithm, key, nonce);
      cipher.setAAD(header);
      cipher.update(text);
      cipher.final();
      cipher.getAuthTag();
    },
  };
}

function openers(context: Context, length: number): Pair {
  const text = randomBytes(length);
  const frame = Buffer.allocUnsafeSlow(length + FRAME_OVERHEAD);
  const out = Buffer.allocUnsafeSlow(length);
  const [key, nonce, header] = [randomBytes(32), randomBytes(12), randomBytes(headerLength)];
  const cipher = createCipheriv(algorithm, key, nonce);
  cipher.setAAD(header);
  const sealed = Buffer.concat([cipher.update(text), cipher.final()]);
  const tag = cipher.getAuthTag();
  return {
    // A frame of now, as it comes in practice: the keys of earlier steps are not at hand.
    prepare: () => void context.encryptInto(text, frame),
    own: () => context.decryptInto(frame, out),
    other: () => {
      const decipher = createDecipheriv(algorithm, key, nonce);
      decipher.setAAD(header);
      decipher.setAuthTag(tag);
      decipher.update(sealed);
      decipher.final();
    },
  };
}

async function compare(name: string, length: number, { prepare, own, other }: Pair, ms: number): Promise<Measure> {
  const [owns, others]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; ++round) {
    prepare?.();
    owns.push(rate(own, length, ms));
    others.push(rate(other, length, ms));
    // Timers and signals get their turn.
    await new Promise(setImmediate);
  }
  const scale = length === mebibyte ? mebibyte / 1e6 : 1;
  const unit = length === mebibyte ? "MB/s" : "messages/s";
  return { name, value: median(owns) * scale, unit, peers: { [peer]: median(others) * scale } };
}

/** Calls a second. */
function rate(call: () => void, length: number, ms: number): number {
  const at = length === mebibyte ? 1 : 200;
  const start = performance.now();
  let calls = 0;
  let now;
  do {
    for (let i = 0; i < at; ++i) call();
    calls += at;
    now = performance.now();
  } while (now - start < ms);
  return (calls * 1000) / (now - start);
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}

/** A table of the measures for people. */
export function table(measures: readonly Measure[]): string[] {
  const rows = measures.map(({ name, value, unit, peers }) => [
    name,
    `${count(value)} ${unit}`,
    `${count(peers[peer]!)} ${unit}`,
    `${(value / peers[peer]!).toFixed(1)}x`,
  ]);
  return align([["", "tinymls", peer, "ratio"], ...rows]);
}
