import type { Suite } from "#dist/mls/suite/index.js";
import type { PrivateKey, Secret } from "tinymls/crypto";

/** RFC 9420 §7.4: the key pair of a node from its path secret. */
export function deriveNodeKey(suite: Suite, pathSecret: Secret): PrivateKey {
  const nodeSecret = suite.deriveSecret(pathSecret, "node");
  try {
    return suite.deriveKeyPair(nodeSecret);
  } finally {
    nodeSecret.dispose();
  }
}
