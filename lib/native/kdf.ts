import { addon, type Bytes } from "./addon.js";
import { hashParameters, type HashAlgorithm } from "./algorithms.js";
import { check, usage } from "./fault.js";
import { handleOf, secretOf, secretsOf, secretOrBytes, type Secret } from "./secret.js";

interface HkdfCalls {
  hkdfExtract(algorithm: number, salt: number | Bytes, ikm: number | Bytes): number;
  hkdfExpand(algorithm: number, prk: number, info: Bytes, length: number): number;
  hkdfExpandLabel(
    algorithm: number,
    secret: number,
    format: number,
    label: Bytes,
    context: Bytes,
    length: number,
  ): number;
  hkdfStepLabel(algorithm: number, secret: number, format: number, label: Bytes, context: Bytes): number;
  hkdfExpandLabels(
    algorithm: number,
    secret: number,
    format: number,
    labels: Bytes,
    length: number,
    out: Bytes,
  ): number;
}
const native = addon<HkdfCalls>();

/** How a label and its context are framed: as in RFC 8446 §7.1, or as in RFC 9420 §8. */
export type LabelFormat = "tls13" | "mls";

/** HKDF (RFC 5869). What goes in and comes out stays in native memory. */
export const hkdf = {
  /** HKDF-Extract. The result has as many octets as a digest. */
  extract(algorithm: HashAlgorithm, salt: Secret | Bytes, ikm: Secret | Bytes): Secret {
    const { id } = hashParameters(algorithm, "hkdf.extract");
    return secretOf(native.hkdfExtract(id, secretOrBytes(salt), secretOrBytes(ikm)), "hkdf.extract");
  },

  /** HKDF-Expand to `length` octets, at most 255 digests. */
  expand(algorithm: HashAlgorithm, prk: Secret, info: Bytes, length: number): Secret {
    const { id } = hashParameters(algorithm, "hkdf.expand");
    return secretOf(native.hkdfExpand(id, handleOf(prk), info, length), "hkdf.expand");
  },

  /**
   * HKDF-Expand of a framed label.
   *
   * @param label whole, its prefix included: `tls13 key`, `MLS 1.0 welcome`
   */
  expandLabel(
    algorithm: HashAlgorithm,
    secret: Secret,
    label: string | Bytes,
    context: Bytes,
    length: number,
    format: LabelFormat,
  ): Secret {
    const operation = "hkdf.expandLabel";
    const { id } = hashParameters(algorithm, operation);
    const framing = framingOf(format, operation);
    const octets = typeof label === "string" ? labelOctets(label) : label;
    return secretOf(native.hkdfExpandLabel(id, handleOf(secret), framing, octets, context, length), operation);
  },

  /** `expandLabel` without context for many labels, in one native call: a secret for each. All are derived or none. */
  expandLabels(
    algorithm: HashAlgorithm,
    secret: Secret,
    labels: LabelList,
    length: number,
    format: LabelFormat,
  ): Secret[] {
    const operation = "hkdf.expandLabels";
    const { id } = hashParameters(algorithm, operation);
    const framing = framingOf(format, operation);
    const { octets, count } = labels;
    return secretsOf(count, operation, (out) => {
      return native.hkdfExpandLabels(id, handleOf(secret), framing, octets, length, out);
    });
  },
};

/**
 * Puts what `hkdf.expandLabel` gives of a secret of at most 64 octets, and as many as it has, in its place: a ratchet without an
 * object for each step. What the secret was is gone; where this throws, it is what it was.
 */
export function stepLabel(
  algorithm: HashAlgorithm,
  secret: Secret,
  label: Bytes,
  context: Bytes,
  format: LabelFormat,
): void {
  const operation = "stepLabel";
  const { id } = hashParameters(algorithm, operation);
  check(native.hkdfStepLabel(id, handleOf(secret), framingOf(format, operation), label, context), operation);
}

/** Whole labels, prefix included, of at most 255 octets each, as `hkdf.expandLabels` takes them. */
export class LabelList {
  readonly count: number;
  /** @internal */
  readonly octets: Buffer;

  constructor(labels: readonly Bytes[]) {
    if (labels.some(({ byteLength }) => byteLength > 255)) throw usage("LabelList", "a label has at most 255 octets");
    this.count = labels.length;
    this.octets = Buffer.concat(labels.flatMap((label) => [Uint8Array.of(label.byteLength), label]));
  }
}

function framingOf(format: LabelFormat, operation: string): number {
  const framing = format === "mls" ? 1 : format === "tls13" ? 0 : undefined;
  if (framing === undefined) throw usage(operation, "the format is one of tls13, mls");
  return framing;
}

// A protocol has a few dozen labels; a caller that makes them up does not grow this without bound.
const labels = new Map<string, Buffer>();
const maxLabels = 1024;

function labelOctets(label: string): Buffer {
  let octets = labels.get(label);
  if (octets === undefined) {
    octets = Buffer.from(label);
    if (labels.size < maxLabels) labels.set(label, octets);
  }
  return octets;
}
