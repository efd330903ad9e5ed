import type { Secret } from "../../native/secret.js";
import type { RatchetType } from "./hash-ratchet.js";

/** One piece of the state of a secret tree, its secrets as handles. */
export type SecretTreeEntry =
  | {
      readonly kind: "node";
      /** Counted from the root: 1, the children of n are 2n and 2n+1. */
      readonly node: number;
      readonly secret: Secret;
    }
  | {
      readonly kind: "ratchet";
      readonly leafIndex: number;
      readonly type: RatchetType;
      readonly generation: number;
      readonly droppedBelow: number;
      readonly secret: Secret;
    }
  | {
      /** After the entry of its ratchet, in the order of generations. */
      readonly kind: "skipped";
      readonly leafIndex: number;
      readonly type: RatchetType;
      readonly generation: number;
      /** Milliseconds since 1970. */
      readonly retainedAt: number;
      readonly key: Secret;
      readonly nonce: Secret;
    };

export function disposeEntry(entry: SecretTreeEntry): void {
  if (entry.kind === "skipped") {
    entry.key.dispose();
    entry.nonce.dispose();
  } else {
    entry.secret.dispose();
  }
}
