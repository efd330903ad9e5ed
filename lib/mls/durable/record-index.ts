/** The head of a set of records: what there is, and at which version. Of many records it lists parts, which list the records. */
import { TinyMlsError } from "../../errors.js";

/** One record: the version that it was sealed at, and its number of chunks; 0 for one that is not in chunks. */
export interface RecordEntry {
  readonly version: number;
  readonly chunks: number;
}

/** Where a log starts and ends. */
export interface LogEntry {
  readonly first: number;
  readonly end: number;
}

/** Records whose names go together. */
export interface IndexPart {
  /** That of the record in which they are listed; 0 where they are few, and the head itself lists them. */
  readonly version: number;
  readonly records: ReadonlyMap<string, RecordEntry>;
}

export type IndexParts = ReadonlyMap<string, IndexPart>;

export interface RecordIndex {
  /** What the owner of the set keeps with it. */
  readonly info: Buffer;
  readonly parts: IndexParts;
  readonly logs: ReadonlyMap<string, LogEntry>;
}

/** An index as its head has it: with the parts that the head lists itself. */
export interface IndexHead extends RecordIndex {
  /** The others, with the versions of the records that list them. */
  readonly listed: ReadonlyMap<string, number>;
}

export const emptyIndex: RecordIndex = { info: Buffer.alloc(0), parts: new Map(), logs: new Map() };

/** Records of one part that the head lists itself, at most. */
const mostInHead = 8;
const numbersOfPart = 32;
const hexadecimal = /^[0-9a-f]*$/;
const digits = [0x30, 0x39] as const;
const formatVersion = 3;

/** The part that a record belongs to: its folder, and in that the same 32 numbers or first hexadecimal digit. */
function partOf(name: string): string {
  const at = name.lastIndexOf("/") + 1;
  if (name.length - at === 32 && hexadecimal.test(name.slice(at))) return name.slice(0, at + 1);
  const first = name.charCodeAt(at);
  if (!(first >= digits[0] && first <= digits[1])) return "";
  return `${name.slice(0, at)}${Math.floor(parseInt(name.slice(at), 10) / numbersOfPart)}`;
}

export function entryIn(parts: IndexParts, name: string): RecordEntry | undefined {
  return parts.get(partOf(name))?.records.get(name);
}

/** Names of records that begin like this. */
export function namesIn(parts: IndexParts, start: string): string[] {
  const names: string[] = [];
  for (const { records } of parts.values()) {
    for (const name of records.keys()) if (name.startsWith(start)) names.push(name);
  }
  return names;
}

/** The parts after records were put (anew) or deleted. */
export function changedParts(
  parts: IndexParts,
  changes: ReadonlyMap<string, RecordEntry | undefined>,
  version: number,
): { readonly parts: IndexParts; readonly touched: ReadonlySet<string> } {
  const next = new Map(parts);
  const touched = new Map<string, Map<string, RecordEntry>>();
  for (const [name, entry] of changes) {
    const part = partOf(name);
    const records = touched.get(part) ?? new Map(parts.get(part)?.records);
    touched.set(part, records);
    records.delete(name);
    if (entry !== undefined) records.set(name, entry);
  }
  for (const [part, records] of touched) {
    const isLarge = part !== "" && records.size > mostInHead;
    if (records.size === 0) next.delete(part);
    else next.set(part, { version: isLarge ? version : 0, records });
  }
  return { parts: next, touched: new Set(touched.keys()) };
}

export function encodeHead({ info, parts, logs }: RecordIndex): Buffer {
  const records: Row[] = [];
  const listed: Row[] = [];
  for (const [part, { version, records: own }] of parts) {
    if (version > 0) listed.push([part, version, 0]);
    else for (const [name, entry] of own) records.push([name, entry.version, entry.chunks]);
  }
  const ends = Array.from(logs, ([name, { first, end }]): Row => [name, first, end]);
  const start = 5 + info.byteLength;
  const out = Buffer.allocUnsafe(start + lengthOf(records) + lengthOf(listed) + lengthOf(ends));
  out.writeUInt8(formatVersion, 0);
  out.writeUInt32BE(info.byteLength, 1);
  info.copy(out, 5);
  writeRows(out, writeRows(out, writeRows(out, start, records), listed), ends);
  return out;
}

export function encodeRecords(records: ReadonlyMap<string, RecordEntry>): Buffer {
  const rows = Array.from(records, ([name, { version, chunks }]): Row => [name, version, chunks]);
  const out = Buffer.allocUnsafe(lengthOf(rows));
  writeRows(out, 0, rows);
  return out;
}

type Row = readonly [name: string, one: number, other: number];

function lengthOf(rows: readonly Row[]): number {
  return rows.reduce((sum, [name]) => sum + name.length + 13, 4);
}

/** Their number (4 octets), then of each the length of its name (1), the name and two numbers (6 each). Returns where they end. */
function writeRows(out: Buffer, start: number, rows: readonly Row[]): number {
  let at = out.writeUInt32BE(rows.length, start);
  for (const [name, one, other] of rows) {
    at = out.writeUInt8(name.length, at);
    at += out.write(name, at, "latin1");
    at = out.writeUIntBE(one, at, 6);
    at = out.writeUIntBE(other, at, 6);
  }
  return at;
}

/** @throws TinyMlsError `storage` for one of another version; what is authentic is trusted otherwise */
export function decodeHead(bytes: Buffer, path: string): IndexHead {
  if (bytes[0] !== formatVersion) {
    throw new TinyMlsError("storage", `${path} was written by another version of tinymls`, {
      component: "storage",
      path,
      retryable: false,
    });
  }
  const end = 5 + bytes.readUInt32BE(1);
  const info = bytes.subarray(5, end);
  const parts = new Map<string, { version: number; records: Map<string, RecordEntry> }>();
  const listed = new Map<string, number>();
  const logs = new Map<string, LogEntry>();
  const rows = new RowReader(bytes, end);
  rows.each((name, version, chunks) => {
    const part = partOf(name);
    let own = parts.get(part);
    if (own === undefined) parts.set(part, (own = { version: 0, records: new Map() }));
    own.records.set(name, { version, chunks });
  });
  rows.each((name, version) => listed.set(name, version));
  rows.each((name, first, end) => logs.set(name, { first, end }));
  return { info, parts, listed, logs };
}

export function decodeRecords(bytes: Buffer): Map<string, RecordEntry> {
  const records = new Map<string, RecordEntry>();
  new RowReader(bytes, 0).each((name, version, chunks) => records.set(name, { version, chunks }));
  return records;
}

/** Reads what `writeRows` wrote. */
class RowReader {
  readonly #bytes: Buffer;
  /** All names and what is between them, in one call that leaves JavaScript. */
  readonly #text: string;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#text = bytes.toString("latin1");
    this.#at = at;
  }

  /** The rows of the next list. */
  each(use: (name: string, one: number, other: number) => void): void {
    const bytes = this.#bytes;
    let at = this.#at + 4;
    for (let left = bytes.readUInt32BE(this.#at); left > 0; left--) {
      const end = at + 1 + bytes[at]!;
      use(this.#text.slice(at + 1, end), bytes.readUIntBE(end, 6), bytes.readUIntBE(end + 6, 6));
      at = end + 12;
    }
    this.#at = at;
  }
}
