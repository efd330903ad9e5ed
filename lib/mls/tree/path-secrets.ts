// RFC 9420 §7.4: the path secrets of a direct path and the key pairs derived from them.
import type { PrivateKey } from "../../native/keys.js";
import { Owned } from "../../native/owned.js";
import type { Secret } from "../../native/secret.js";
import { refuse } from "../rules.js";
import type { Suite } from "../suite/index.js";
import { sameBytes } from "./node.js";
import type { NodeKeys } from "./private-keys.js";

/** RFC 9420 §7.6: the label under which path secrets are encrypted. */
export const pathSecretLabel = "UpdatePathNode";

/** What is derived from a path secret: the node secret and the path secret of the next node. */
const nodeLabels = ["node", "path"];

/** What comes out of an update path: the commit secret and private keys of nodes. Owns their handles until they are taken. */
export class PathKeys {
  readonly commitSecret: Secret;
  readonly #pathSecrets: ReadonlyMap<number, Secret>;
  #keys: NodeKeys;

  /** Takes over the handles. */
  constructor(commitSecret: Secret, keys: NodeKeys, pathSecrets: ReadonlyMap<number, Secret>) {
    this.commitSecret = commitSecret;
    this.#keys = keys;
    this.#pathSecrets = pathSecrets;
  }

  /** The path secret of a node, borrowed; only the committer keeps them, until the new members are welcomed. */
  pathSecret(node: number): Secret | undefined {
    return this.#pathSecrets.get(node);
  }

  /** The public key of a node whose private key is here. */
  publicKey(node: number): Buffer {
    return this.#keys.get(node)!.publicKey;
  }

  /** The fresh private keys; their handles pass to the caller. */
  takeKeys(): NodeKeys {
    const keys = this.#keys;
    this.#keys = new Map();
    return keys;
  }

  /** Erases all that was not taken. */
  dispose(): void {
    this.commitSecret.dispose();
    for (const secret of this.#pathSecrets.values()) secret.dispose();
    for (const key of this.#keys.values()) key.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A node whose key pair comes from a path secret, with the public key that it must have where that is known already. */
export interface DerivedNode {
  readonly node: number;
  readonly encryptionKey?: Uint8Array;
}

export interface DeriveOptions {
  /** Keeps the path secret of each node, for welcomes. */
  readonly keepSecrets: boolean;
  /** A key pair that is not derived, kept with the others. */
  readonly leaf?: readonly [number, PrivateKey];
}

/**
 * Derives the key pairs of `nodes` (from the leaf to the root), all at once, and the commit secret from the path secret of the first.
 * All handles given pass to the result, or are disposed of when it fails.
 * @throws TinyMlsError `invalid` by 7.5/derived-key
 */
export async function derivePath(
  suite: Suite,
  pathSecret: Secret,
  nodes: readonly DerivedNode[],
  { keepSecrets, leaf }: DeriveOptions,
): Promise<PathKeys> {
  using nodeSecrets = new Owned();
  const ikms: Secret[] = [];
  const keys = new Map<number, PrivateKey>(leaf && [leaf]);
  const kept = new Map<number, Secret>();
  let secret = pathSecret;
  try {
    for (const { node } of nodes) {
      const [nodeSecret, next] = suite.deriveSecrets(secret, nodeLabels) as [Secret, Secret];
      ikms.push(nodeSecrets.add(nodeSecret));
      if (keepSecrets) kept.set(node, secret);
      else secret.dispose();
      secret = next;
    }
    const derived = await suite.deriveKeyPairs(ikms);
    for (const [i, { node }] of nodes.entries()) keys.set(node, derived[i]!);
    for (const { node, encryptionKey } of nodes)
      if (encryptionKey !== undefined && !sameBytes(keys.get(node)!.publicKey, encryptionKey))
        refuse("7.5/derived-key");
    return new PathKeys(secret, keys, kept);
  } catch (error) {
    new PathKeys(secret, keys, kept).dispose();
    throw error;
  }
}
