// RFC 9420 §8.1: an epoch of a member at rest, but for what its trees have in records of their own.
import {
  decode,
  decodeOnce,
  encode,
  opaque,
  optional,
  struct,
  uint16,
  uint32,
  uint8,
  vector,
} from "../../codec/index.js";
import type { KemAlgorithm } from "../../native/algorithms.js";
import type { Bundle, OpenedBundle } from "../../native/bundle.js";
import { restorePrivateKey, type PrivateKey } from "../../native/keys.js";
import { Owned } from "../../native/owned.js";
import type { Secret } from "../../native/secret.js";
import { memberEpoch, type MemberEpoch } from "../group/epoch.js";
import { GroupContext, ReInit } from "../objects/index.js";
import { EpochSecrets, epochSecretNames, type SecretTree } from "../schedule/index.js";
import { suiteOf } from "../suite/index.js";
import { TreePrivateKeys, type NodeKeys, type RatchetTree, type StoredNodeKeys } from "../tree/index.js";
import { encryptionSecretOf } from "./secret-tree-records.js";

type Bytes = Uint8Array;

const StoredKeys = vector(struct("StoredKey", { node: uint32, publicKey: opaque }));

/**
 * With the signature key, the secrets of the epoch by their places in `epochSecretNames`, the private keys of nodes, and the
 * encryption_secret where it is not used yet. Public keys stand there so that loading computes none, and the tree where it is small.
 */
const StoredEpoch = struct("StoredEpoch", {
  cipherSuite: uint16,
  context: opaque,
  interimTranscriptHash: opaque,
  confirmationTag: opaque,
  reinit: optional(ReInit),
  ownLeafIndex: uint32,
  secrets: vector(uint8),
  keys: opaque,
  signatureKey: opaque,
  tree: optional(opaque),
});

/** @param tree where it is small, as it is stored */
export function epochBundle(epoch: MemberEpoch, tree?: Bytes): Bundle {
  const { suite, context, interimTranscriptHash, confirmationTag, reinit, ownLeafIndex, signatureKey } = epoch;
  const secrets = epoch.secrets.entries();
  const keys = epoch.keys.entries();
  const encryptionSecret = encryptionSecretOf(epoch.secretTree);
  const bytes = encode(StoredEpoch, {
    cipherSuite: suite.id,
    context: context.bytes,
    interimTranscriptHash,
    confirmationTag,
    reinit: reinit ?? null,
    ownLeafIndex,
    secrets: secrets.map(([name]) => epochSecretNames.indexOf(name)),
    keys: encode(
      StoredKeys,
      keys.map(([node, { publicKey }]) => ({ node, publicKey })),
    ),
    signatureKey: signatureKey.publicKey,
    tree: tree ?? null,
  });
  const joined = [secrets, keys].map((entries) => entries.map(([, secret]) => secret));
  return { bytes, secrets: [signatureKey, ...joined, ...(encryptionSecret ? [encryptionSecret] : [])] };
}

/** An epoch read back, to be completed by its trees. Owns its handles. */
export interface EpochWithoutTrees extends Omit<MemberEpoch, "tree" | "secretTree" | "keys"> {
  readonly nodeKeys: StoredNodeKeys;
  /** Of a secret tree that has no record of its own yet. */
  readonly encryptionSecret: Secret | undefined;
  /** Where it is small. */
  readonly smallTree: Bytes | undefined;
}

/** Takes the secrets of the bundle over. */
export function epochFrom({ bytes, secrets }: OpenedBundle): EpochWithoutTrees {
  using owned = new Owned();
  for (const secret of secrets) owned.add(secret);
  const [signatureSecret, epochSecrets, keySecrets, encryptionSecret] = secrets;
  const stored = decode(StoredEpoch, bytes);
  const suite = suiteOf(stored.cipherSuite);
  const { signature, kem } = suite.algorithms;
  const names = stored.secrets.map((index) => epochSecretNames[index]!);
  const epoch = {
    suite,
    context: decodeOnce(GroupContext, stored.context),
    interimTranscriptHash: stored.interimTranscriptHash,
    confirmationTag: stored.confirmationTag,
    reinit: stored.reinit ?? undefined,
    ownLeafIndex: stored.ownLeafIndex,
    signatureKey: owned.add(restorePrivateKey(signature, signatureSecret!, stored.signatureKey)),
    secrets: owned.add(EpochSecrets.restore(suite, names, epochSecrets!)),
    nodeKeys: new KeysOfNodes(kem, stored.keys, keySecrets!),
    encryptionSecret,
    smallTree: stored.tree ?? undefined,
  };
  owned.release();
  signatureSecret!.dispose();
  return epoch;
}

/** The private keys of nodes in one secret, in the order of what is known of them. */
class KeysOfNodes implements StoredNodeKeys {
  readonly #algorithm: KemAlgorithm;
  readonly #known: Bytes;
  readonly #joined: Secret;

  constructor(algorithm: KemAlgorithm, known: Bytes, joined: Secret) {
    this.#algorithm = algorithm;
    this.#known = known;
    this.#joined = joined;
  }

  restore(): NodeKeys {
    using owned = new Owned();
    const keys = new Map<number, PrivateKey>();
    const known = decode(StoredKeys, this.#known);
    const length = this.#joined.byteLength / known.length;
    for (const [at, { node, publicKey }] of known.entries()) {
      using raw = this.#joined.slice(at * length, (at + 1) * length);
      keys.set(node, owned.add(restorePrivateKey(this.#algorithm, raw, publicKey)));
    }
    owned.release();
    this.dispose();
    return keys;
  }

  dispose(): void {
    this.#joined.dispose();
  }
}

export function restoredEpoch(stored: EpochWithoutTrees, tree: RatchetTree, secretTree: SecretTree): MemberEpoch {
  const { suite, context, interimTranscriptHash, confirmationTag, reinit } = stored;
  const { ownLeafIndex, signatureKey, secrets, nodeKeys } = stored;
  const keys = new TreePrivateKeys(ownLeafIndex, nodeKeys);
  const known = { suite, context, tree, interimTranscriptHash, confirmationTag, reinit };
  return memberEpoch(known, { ownLeafIndex, keys, signatureKey, secrets, secretTree });
}

/** Wipes what an epoch read back owns. */
export function disposeStored({ signatureKey, secrets, nodeKeys, encryptionSecret }: EpochWithoutTrees): void {
  signatureKey.dispose();
  secrets.dispose();
  nodeKeys.dispose();
  encryptionSecret?.dispose();
}
