import { Transform, type TransformCallback } from "node:stream";

const units = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Octets for people: 12.3 MiB. */
export function size(octets: number): string {
  let unit = 0;
  let value = octets;
  for (; value >= 1024 && unit < units.length - 1; ++unit) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${units[unit]}`;
}

function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** One line about work of `total` octets: a bar where the total is known, the amount and the rate. */
export function progressLine(done: number, total: number | undefined, seconds: number): string {
  const rate = done / Math.max(seconds, 1e-3);
  const amount = `${size(done)}, ${size(Math.round(rate))}/s`;
  if (total === undefined || total === 0) return amount;
  const part = Math.min(done / total, 1);
  const filled = Math.round(part * 30);
  const left = duration((total - done) / rate);
  return `[${"#".repeat(filled)}${".".repeat(30 - filled)}] ${Math.floor(part * 100)}% of ${size(total)}, ${amount}, ${left} left`;
}

/**
 * Passes data on and shows how far it is: in one line on a terminal, otherwise in a line each second, and a last one at the end.
 * Octets that passed are counted in `octets`.
 */
export class Meter extends Transform {
  readonly #total: number | undefined;
  readonly #show: boolean;
  readonly #terminal = process.stderr.isTTY;
  readonly #start = performance.now();
  #shown = this.#start;
  octets = 0;

  constructor(total: number | undefined, show: boolean) {
    super();
    this.#total = total;
    this.#show = show;
  }

  override _transform(data: Buffer, _encoding: string, done: TransformCallback): void {
    this.octets += data.length;
    const now = performance.now();
    if (this.#show && now - this.#shown >= (this.#terminal ? 100 : 1000)) this.#write(now, this.#terminal ? "\r" : "");
    done(null, data);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#show) this.#write(performance.now(), this.#terminal ? "\r" : "", true);
    done(error);
  }

  #write(now: number, start: string, last = false): void {
    this.#shown = now;
    const line = progressLine(this.octets, this.#total, (now - this.#start) / 1000);
    process.stderr.write(`${start}${line}${this.#terminal ? "\x1b[K" : ""}${last || !this.#terminal ? "\n" : ""}`);
  }
}
