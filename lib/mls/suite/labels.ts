import { lengthHeader } from "../../codec/index.js";

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

/** `label<V>`, then `content<V>`: SignContent (RFC 9420 §5.1.2) and EncryptContext (§5.1.3) are of this form. */
export function labelled(label: string, content: Uint8Array): Buffer {
  const { vector } = labelOf(label);
  const header = lengthHeader(content.byteLength);
  const out = Buffer.allocUnsafe(vector.byteLength + header.byteLength + content.byteLength);
  out.set(vector, 0);
  out.set(header, vector.byteLength);
  out.set(content, vector.byteLength + header.byteLength);
  return out;
}
