import { lengthHeader, putHeader, vectorSize } from "../../codec/index.js";
import { LabelList } from "../../native/kdf.js";

/** RFC 9420 §5.1.2, §5.1.3, §8: what stands before every label. */
const prefix = "MLS 1.0 ";

/** A label in the two forms that the labelled operations need. */
export interface Label {
  /** With the prefix. */
  readonly bytes: Uint8Array;
  /** With the prefix, as `opaque label<V>`. */
  readonly vector: Uint8Array;
}

// The labels of the RFC are few; those of applications (exporter labels) must not fill the memory.
const most = 64;
const known = new Map<string, Label>();

export function labelOf(text: string): Label {
  const found = known.get(text);
  if (found !== undefined) return found;
  const bytes = Buffer.from(prefix + text, "utf8");
  const label = { bytes, vector: Buffer.concat([lengthHeader(bytes.byteLength), bytes]) };
  if (known.size < most) known.set(text, label);
  return label;
}

const lists = new WeakMap<readonly string[], LabelList>();

/** The labels of a list that does not change, with their prefix. */
export function labelList(labels: readonly string[]): LabelList {
  let list = lists.get(labels);
  if (list === undefined) lists.set(labels, (list = new LabelList(labels.map((label) => labelOf(label).bytes))));
  return list;
}

/** Octets in one piece or in several, one after the other. */
export type Parts = Uint8Array | readonly Uint8Array[];

/** `label<V>`, then `content<V>`: SignContent (RFC 9420 §5.1.2) and EncryptContext (§5.1.3) are of this form. */
export function labelled(label: string, content: Parts): Buffer {
  return put(label, content, (size) => Buffer.allocUnsafe(size));
}

// Most signed messages fit, commits of a thousand members too; the addon has read them when it returns.
const scratch = Buffer.alloc(128 * 1024);

/** {@link labelled}, to be read before the next call. */
export function labelledBriefly(label: string, content: Parts): Buffer {
  return put(label, content, (size) =>
    size <= scratch.byteLength ? scratch.subarray(0, size) : Buffer.allocUnsafe(size),
  );
}

/** {@link labelled} in parts, for what is copied again. */
export function labelledParts(label: string, content: Parts): Uint8Array[] {
  const parts = content instanceof Uint8Array ? [content] : content;
  return [labelOf(label).vector, lengthHeader(lengthOf(parts)), ...parts];
}

function put(label: string, content: Parts, allocate: (size: number) => Buffer): Buffer {
  const parts = content instanceof Uint8Array ? [content] : content;
  const length = lengthOf(parts);
  const { vector } = labelOf(label);
  const out = allocate(vector.byteLength + vectorSize(length));
  out.set(vector, 0);
  let at = putHeader(out, vector.byteLength, length);
  for (const part of parts) {
    out.set(part, at);
    at += part.byteLength;
  }
  return out;
}

function lengthOf(parts: readonly Uint8Array[]): number {
  let length = 0;
  for (const part of parts) length += part.byteLength;
  return length;
}
