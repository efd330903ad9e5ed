import { createHash, randomBytes } from "node:crypto";
import type { LeafNode } from "tinymls/messages";
import { TreeLeaf } from "#dist/mls/tree/node.js";
import type { TreeHasher } from "#dist/mls/tree/tree-hash.js";

/** Node's own hash functions, so that the hashes of the tree are checked against another implementation. */
function nodeHasher(algorithm: string, Nh: number): TreeHasher {
  return hasherWith(Nh, (...parts) => {
    const hash = createHash(algorithm);
    for (const part of parts) hash.update(part);
    return hash.digest();
  });
}

function hasherWith(Nh: number, hash: TreeHasher["hash"]): TreeHasher {
  const hashEach: TreeHasher["hashEach"] = (joined, lengths, out) => {
    let start = 0;
    lengths.forEach((length, i) => out.set(hash(joined.subarray(start, (start += length))), i * Nh));
  };
  return { Nh, hash, hashEach };
}

/** SHA-256 that tells of every hash. */
export function countingHasher(count: () => void): TreeHasher {
  return hasherWith(32, (...parts) => {
    count();
    return sha256.hash(...parts);
  });
}

export const sha256 = nodeHasher("sha256", 32);

/** The hash of a cipher suite of RFC 9420 §17.1. */
export function hasherOf(cipherSuite: number): TreeHasher {
  if (cipherSuite <= 3) return sha256;
  return cipherSuite === 7 ? nodeHasher("sha384", 48) : nodeHasher("sha512", 64);
}

/** A leaf with fresh keys that no one holds and no valid signature. */
export function unsignedLeaf(fields: Partial<LeafNode> = {}): LeafNode {
  return {
    encryptionKey: randomBytes(32),
    signatureKey: randomBytes(32),
    credential: { credentialType: 1, identity: randomBytes(8) },
    capabilities: { versions: [1], cipherSuites: [1], extensions: [], proposals: [], credentials: [1] },
    leafNodeSource: 1,
    lifetime: { notBefore: 0n, notAfter: 2n ** 64n - 1n },
    extensions: [],
    signature: randomBytes(64),
    ...fields,
  } as LeafNode;
}

export function treeLeaf(fields: Partial<LeafNode> = {}): TreeLeaf {
  return TreeLeaf.of(unsignedLeaf(fields));
}
