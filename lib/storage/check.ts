import { TinyMlsError } from "../errors.js";
import { withMethods } from "../shapes.js";
import { storageLimits, type ListOptions, type WriteOptions, type WriteStep } from "./port.js";

/** A write whose arguments are within the limits, its steps sorted so that every adapter locks in one order. */
export type CheckedStep =
  | { kind: "put"; key: string; value: Uint8Array; expected: number | undefined }
  | { kind: "delete"; key: string; expected: number | undefined }
  | { kind: "check"; key: string; expected: number }
  | { kind: "append"; key: string; entries: readonly Uint8Array[]; expected: number | undefined }
  | { kind: "truncate"; key: string; before: number };

/** The methods of the port. */
export const storageShape = withMethods("a Storage", ["get", "list", "write", "read", "watch", "close"]);

const keyPattern = /^[A-Za-z0-9][A-Za-z0-9._:/=~-]*$/;
const kinds = ["put", "delete", "check", "append", "truncate"] as const;
const onRecord = ({ kind }: CheckedStep) => kind !== "append" && kind !== "truncate";

export function usage(operation: string, message: string): TinyMlsError {
  return new TinyMlsError("usage", message, { operation, component: "storage" });
}

/** @param name what did not stand where the write expected it: a record's key or a log's name */
export function conflict(name: string): TinyMlsError {
  const message = `${name} was changed by another writer`;
  return new TinyMlsError("conflict", message, { operation: "Storage.write", component: "storage", path: name });
}

export function closed(operation: string): TinyMlsError {
  return new TinyMlsError("closed", "the storage is closed", { operation, component: "storage" });
}

export function checkKey(operation: string, key: unknown): asserts key is string {
  if (typeof key !== "string" || key.length > storageLimits.keyLength || !keyPattern.test(key)) {
    throw usage(operation, `a key has 1 to ${storageLimits.keyLength} characters of A-Z a-z 0-9 . _ : / = ~ -`);
  }
}

export function checkPrefix(operation: string, prefix: unknown): asserts prefix is string {
  if (prefix !== "") checkKey(operation, prefix);
}

/** A revision or a position. */
export function checkCount(operation: string, name: string, count: unknown): asserts count is number {
  if (!Number.isSafeInteger(count) || (count as number) < 0) {
    throw usage(operation, `${name} is a whole number from 0 to 2^53 - 1`);
  }
}

export function checkLimit(operation: string, limit = 100): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > storageLimits.page) {
    throw usage(operation, `limit is 1 to ${storageLimits.page}`);
  }
  return limit;
}

export function checkOptions(operation: string, options: unknown): void {
  if (typeof options !== "object" || options === null) throw usage(operation, "options are an object");
}

export function checkList(prefix: string, options: ListOptions = {}): { after: string; limit: number } {
  checkPrefix("Storage.list", prefix);
  checkOptions("Storage.list", options);
  const { after = "", limit } = options;
  checkPrefix("Storage.list", after);
  return { after, limit: checkLimit("Storage.list", limit) };
}

/** What comes right after all keys with this prefix; keys are ASCII, so DEL stands behind them all. */
export const endOfPrefix = (prefix: string): string => `${prefix}\x7f`;

/** Octets after which a page ends. */
export const pageLength = storageLimits.valueLength;

export function checkWrite(steps: readonly WriteStep[]): CheckedStep[] {
  const operation = "Storage.write";
  if (!Array.isArray(steps) || steps.length === 0 || steps.length > storageLimits.steps) {
    throw usage(operation, `a write has 1 to ${storageLimits.steps} steps`);
  }
  const checked: CheckedStep[] = [];
  let length = 0;
  // By index, which does not pass over the holes of a sparse array.
  for (let at = 0; at < steps.length; at++) length += lengthOf((checked[at] = checkStep(steps[at])));
  if (!isSorted(checked)) checked.sort(byName);
  for (let at = 1; at < checked.length; at++) {
    if (isTwice(checked[at - 1]!, checked[at]!)) throw usage(operation, "a write names each record and log once");
  }
  if (length > storageLimits.writeLength)
    throw usage(operation, `a write has ${storageLimits.writeLength} octets at most`);
  return checked;
}

/** Whether a write is to survive a loss of power from the moment it resolves. */
export function checkSync(options: WriteOptions = {}): boolean {
  checkOptions("Storage.write", options);
  const { sync = true } = options;
  if (typeof sync !== "boolean") throw usage("Storage.write", "sync is true or false");
  return sync;
}

/** Records, then logs, by name; an append before the truncate of its log. */
function byName(a: CheckedStep, b: CheckedStep): number {
  if (onRecord(a) !== onRecord(b)) return onRecord(a) ? -1 : 1;
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  if (a.kind === b.kind) return 0;
  return a.kind === "append" ? -1 : 1;
}

function isSorted(steps: readonly CheckedStep[]): boolean {
  for (let at = 1; at < steps.length; at++) if (byName(steps[at - 1]!, steps[at]!) > 0) return false;
  return true;
}

/** Of two steps that stand side by side in that order. */
function isTwice(a: CheckedStep, b: CheckedStep): boolean {
  return a.key === b.key && onRecord(a) === onRecord(b) && (onRecord(a) || a.kind === b.kind);
}

function checkStep(step: unknown): CheckedStep {
  const operation = "Storage.write";
  const fields = typeof step === "object" && step !== null ? (step as Partial<Record<string, unknown>>) : {};
  let kind: CheckedStep["kind"] | undefined;
  let count = 0;
  for (const each of kinds) {
    if (fields[each] === undefined) continue;
    kind = each;
    count++;
  }
  if (kind === undefined || count > 1) throw usage(operation, "a step is a put, delete, check, append or truncate");
  const key = fields[kind];
  checkKey(operation, key);
  const expected = kind === "append" ? fields.position : fields.revision;
  if (expected !== undefined) checkCount(operation, kind === "append" ? "position" : "revision", expected);
  switch (kind) {
    case "put":
      return { kind, key, value: checkValue(fields.value), expected };
    case "delete":
      return { kind, key, expected };
    case "check":
      if (expected === undefined) throw usage(operation, "a check names a revision");
      return { kind, key, expected };
    case "append":
      return { kind, key, entries: checkEntries(fields.entries), expected };
    case "truncate":
      checkCount(operation, "before", fields.before);
      return { kind, key, before: fields.before };
  }
}

function checkValue(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array) || value.byteLength > storageLimits.valueLength) {
    throw usage("Storage.write", `a value is a Uint8Array of at most ${storageLimits.valueLength} octets`);
  }
  return value;
}

function checkEntries(entries: unknown): readonly Uint8Array[] {
  if (!Array.isArray(entries) || entries.length === 0 || entries.length > storageLimits.steps) {
    throw usage("Storage.write", `an append has 1 to ${storageLimits.steps} entries`);
  }
  return Array.from(entries, checkValue); // holes too, see checkWrite
}

function lengthOf(step: CheckedStep): number {
  if (step.kind === "put") return step.value.byteLength;
  if (step.kind === "append") return step.entries.reduce((sum, entry) => sum + entry.byteLength, 0);
  return 0;
}
