import type { Secret } from "#dist/native/secret.js";
import type { PrivateKey } from "#dist/native/keys.js";
import type { Suite } from "#dist/mls/suite/index.js";

/** RFC 9420 §7.4: the key pair of a node from its path secret. */
export function deriveNodeKey(suite: Suite, pathSecret: Secret): PrivateKey {
  const nodeSecret = suite.deriveSecret(pathSecret, "node");
  try {
    return suite.deriveKeyPair(nodeSecret);
  } finally {
    nodeSecret.dispose();
  }
}
