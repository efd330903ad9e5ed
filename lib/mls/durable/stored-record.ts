import { TinyMlsError, type ErrorCode } from "../../errors.js";
import type { OpenedBundle } from "../../native/bundle.js";
import type { StoredRecord } from "../../storage/port.js";
import { sealedOverhead, type Vault } from "../../storage/vault/vault.js";
import { entryIn, type RecordEntry, type RecordIndex } from "./record-index.js";

/** The head of the set that lists a record. */
export interface ListingHead {
  readonly key: string;
  readonly version: number;
}

/*
 * A record of a set, as it is stored:
 *
 *     6   version: of the write that put the record
 *     n   the sealed bundle or octets, with the record's key and version as associated data
 */
const prefixLength = 6;

export function sealRecord(vault: Vault, key: string, version: number, parts: Parameters<Vault["seal"]>[2]): Buffer {
  const prefix = Buffer.allocUnsafe(prefixLength);
  prefix.writeUIntBE(version, 0, prefixLength);
  return Buffer.concat([prefix, vault.seal(key, version, parts)]);
}

/** @param version that it has to be of */
export function openRecord(vault: Vault, { key, value }: StoredRecord, version: number): OpenedBundle {
  return vault.openBundle(key, version, value.subarray(prefixLength));
}

/** The same for what is not secret. */
export function openPublicRecord(vault: Vault, { key, value }: StoredRecord, version: number): Buffer {
  return vault.openPublic(key, version, value.subarray(prefixLength));
}

/** The octets of records that are not secret, one after the other. */
export function openPublicRecords(vault: Vault, records: readonly StoredRecord[], version: number): Buffer {
  const lengths = records.map(({ value }) => Math.max(0, value.byteLength - prefixLength - sealedOverhead));
  const octets = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const [index, { key, value }] of records.entries()) {
    const out = octets.subarray(at, (at += lengths[index]!));
    vault.openPublicInto(out, key, version, value.subarray(prefixLength));
  }
  return octets;
}

/** As it says; what it says is not authentic before it is opened. */
export function versionOf({ key, value }: StoredRecord): number {
  if (value.byteLength < prefixLength) throw recordFault("malformed", key, "is no sealed record");
  return value.readUIntBE(0, prefixLength);
}

/** @throws TinyMlsError `missing` */
export function requireEntry({ parts }: RecordIndex, key: string, name: string): RecordEntry {
  const entry = entryIn(parts, name);
  if (entry === undefined) throw recordFault("missing", key, "is missing");
  return entry;
}

/** The record, if it is of this version as far as it says. */
export function requireVersion(
  found: StoredRecord | undefined,
  prefix: string,
  name: string,
  version: number,
  head: ListingHead,
): StoredRecord {
  if (found === undefined) throw recordFault("missing", prefix + name, "is missing");
  const stored = versionOf(found);
  if (stored > version && stored > head.version) throw olderHead(head.key);
  if (stored < version) throw recordFault("undecryptable", found.key, "was put back to an older state");
  return found;
}

/** The names under which an entry of the list is stored. Those of chunks are new with each version. */
export function storedNames(name: string, entry: RecordEntry | undefined): string[] {
  if (entry === undefined) return [];
  if (entry.chunks === 0) return [name];
  const names: string[] = [];
  for (let chunk = 0; chunk < entry.chunks; chunk++) names.push(`${name}/${entry.version}/${chunk}`);
  return names;
}

export function recordFault(code: ErrorCode, path: string, message: string): TinyMlsError {
  const retryable = code === "conflict";
  return new TinyMlsError(code, `${path} ${message}`, { component: "storage", path, retryable });
}

export function olderHead(headKey: string): TinyMlsError {
  return recordFault("undecryptable", headKey, "is older than what it lists");
}
