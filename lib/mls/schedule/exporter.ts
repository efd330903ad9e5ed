/** RFC 9420 §8.5. */
import { TinyMlsError } from "../../errors.js";
import type { Secret } from "../../native/secret.js";
import type { Suite } from "../suite/index.js";

/**
 * MLS-Exporter. The secret that comes back is the caller's.
 *
 * @param length octets, 1 to 255 * KDF.Nh
 * @throws TinyMlsError `usage` for another length.
 */
export function mlsExporter(
  suite: Suite,
  exporterSecret: Secret,
  label: string,
  context: Uint8Array,
  length: number,
): Secret {
  if (!Number.isInteger(length) || length < 1 || length > 255 * suite.Nh) {
    const message = `a length is an integer from 1 to ${255 * suite.Nh}`;
    throw new TinyMlsError("usage", message, { operation: "exporter", component: "mls" });
  }
  const derived = suite.deriveSecret(exporterSecret, label);
  try {
    return suite.expandWithLabel(derived, "exported", suite.hash(context), length);
  } finally {
    derived.dispose();
  }
}
