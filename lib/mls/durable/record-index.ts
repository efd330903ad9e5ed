/** The head of a set of records: what there is, and at which version. */
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

export interface RecordIndex {
  /** What the owner of the set keeps with it. */
  readonly info: Buffer;
  readonly records: ReadonlyMap<string, RecordEntry>;
  readonly logs: ReadonlyMap<string, LogEntry>;
}

const formatVersion = 1;

export function encodeIndex({ info, records, logs }: RecordIndex): Buffer {
  const names = [...records.keys(), ...logs.keys()].reduce((sum, name) => sum + name.length, 0);
  const out = Buffer.allocUnsafe(13 + info.byteLength + names + 11 * records.size + 13 * logs.size);
  let at = out.writeUInt8(formatVersion, 0);
  at = out.writeUInt32BE(info.byteLength, at);
  at += info.copy(out, at);
  at = out.writeUInt32BE(records.size, at);
  for (const [name, { version, chunks }] of records) {
    at = writeName(out, name, at);
    at = out.writeUIntBE(version, at, 6);
    at = out.writeUInt32BE(chunks, at);
  }
  at = out.writeUInt32BE(logs.size, at);
  for (const [name, { first, end }] of logs) {
    at = writeName(out, name, at);
    at = out.writeUIntBE(first, at, 6);
    at = out.writeUIntBE(end, at, 6);
  }
  return out;
}

function writeName(out: Buffer, name: string, at: number): number {
  return out.writeUInt8(name.length, at) + out.write(name, at + 1, "latin1");
}

/** @throws TinyMlsError `storage` for one of a later version; what is authentic is trusted otherwise */
export function decodeIndex(bytes: Buffer, path: string): RecordIndex {
  if (bytes[0] !== formatVersion) {
    throw new TinyMlsError("storage", `${path} was written by a later version of tinymls`, {
      component: "storage",
      path,
      retryable: false,
    });
  }
  const records = new Map<string, RecordEntry>();
  const logs = new Map<string, LogEntry>();
  const info = Buffer.from(bytes.subarray(5, 5 + bytes.readUInt32BE(1)));
  let at = 5 + info.byteLength;
  const count = (): number => bytes.readUInt32BE((at += 4) - 4);
  const name = (): string => {
    const end = at + 1 + bytes[at]!;
    const text = bytes.toString("latin1", at + 1, end);
    at = end;
    return text;
  };
  const long = (): number => bytes.readUIntBE((at += 6) - 6, 6);
  for (let left = count(); left > 0; left--) records.set(name(), { version: long(), chunks: count() });
  for (let left = count(); left > 0; left--) logs.set(name(), { first: long(), end: long() });
  return { info, records, logs };
}
