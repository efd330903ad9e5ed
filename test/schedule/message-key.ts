import { messageKey } from "#dist/mls/schedule/hash-ratchet.js";
import type { MessageKey, PeekedKey } from "#dist/mls/schedule/index.js";
import type { Suite } from "#dist/mls/suite/index.js";
import { Secret } from "#dist/native/secret.js";

/** Key and nonce that a peeked key opens with, as handles of the caller's. */
export function keyOf(suite: Suite, { origin, generation }: PeekedKey): MessageKey {
  if (origin instanceof Secret) return messageKey(suite, origin, generation);
  return { generation, key: origin.key.clone(), nonce: origin.nonce.clone() };
}

/** Lends {@link keyOf} to `use`. */
export function withKey<T>(suite: Suite, peeked: PeekedKey, use: (key: Secret, nonce: Secret) => T): T {
  const { key, nonce } = keyOf(suite, peeked);
  try {
    return use(key, nonce);
  } finally {
    key.dispose();
    nonce.dispose();
  }
}
