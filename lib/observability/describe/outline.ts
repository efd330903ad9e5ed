import { greaseValues } from "../../mls/objects/index.js";

/** Indented lines under a heading. */
export class Outline {
  readonly lines: string[] = [];
  private readonly indent: string;

  constructor(indent = "") {
    this.indent = indent;
  }

  /** A line of its own, or a label and what it stands for. */
  add(label: string, text?: string): this {
    this.lines.push(`${this.indent}${text === undefined ? label : `${label}: ${text}`}`);
    return this;
  }

  /** A heading with lines below it, which `fill` writes. */
  section(heading: string, fill: (inner: Outline) => void): this {
    this.add(heading);
    const inner = new Outline(`${this.indent}  `);
    fill(inner);
    this.lines.push(...inner.lines);
    return this;
  }

  /** One section or line for each item, the first `most` of them. */
  list<T>(items: readonly T[], write: (inner: Outline, item: T, index: number) => void, most = 100): this {
    items.slice(0, most).forEach((item, index) => write(this, item, index));
    if (items.length > most) this.add(`... and ${items.length - most} more`);
    return this;
  }

  toString(): string {
    return this.lines.join("\n");
  }
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

const shownOctets = 32;

/** Octets as hex, cut when long. */
export function octets(bytes: Uint8Array): string {
  if (bytes.byteLength === 0) return "none";
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, shownOctets)).toString("hex");
  return bytes.byteLength > shownOctets ? `${start}... (${bytes.byteLength} octets)` : start;
}

/** Octets as text where they are text fit for a terminal, as hex otherwise. */
export function textOrOctets(bytes: Uint8Array): string {
  const text = bytes.byteLength > 256 ? undefined : printable(bytes);
  return text === undefined || text === "" ? octets(bytes) : JSON.stringify(text);
}

/** Octets as UTF-8 text; undefined where they are not, or hold characters that would let a name rewrite a screen. */
export function printable(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    // Control, format, private, unassigned and separator characters.
    return /[\p{C}\p{Zl}\p{Zp}]/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** The name of a registered value; others as hex, GREASE said so (RFC 9420 §13.5). */
export function registered(registry: { nameOf(value: number): string | undefined }, value: number): string {
  const hex = `0x${value.toString(16).padStart(4, "0")}`;
  return registry.nameOf(value) ?? (greaseValues.includes(value) ? `GREASE ${hex}` : hex);
}

export function registeredAll(
  registry: { nameOf(value: number): string | undefined },
  values: readonly number[],
): string {
  return values.length === 0 ? "none" : values.map((value) => registered(registry, value)).join(", ");
}

const lastDate = 8_640_000_000_000n;

/** Seconds since 1970 as a date; times beyond JavaScript's calendar stay seconds. */
export function date(seconds: bigint): string {
  if (seconds > lastDate) return `${seconds} s after 1970`;
  return new Date(Number(seconds) * 1000).toISOString().replace(".000Z", "Z");
}
