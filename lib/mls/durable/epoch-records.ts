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
import type { Bundle, OpenedBundle } from "../../native/bundle.js";
import { restorePrivateKeys } from "../../native/keys.js";
import { Owned } from "../../native/owned.js";
import { disposeSecrets, type Secret } from "../../native/secret.js";
import { memberEpoch, type MemberEpoch } from "../group/epoch.js";
import { GroupContext, ReInit } from "../objects/index.js";
import { EpochSecrets, epochSecretNames, type SecretTree } from "../schedule/index.js";
import { suiteOf } from "../suite/index.js";
import { TreePrivateKeys, type NodeKeys, type RatchetTree } from "../tree/index.js";
import { encryptionSecretOf } from "./secret-tree-records.js";

type Bytes = Uint8Array;

/**
 * The secrets of an epoch by their places in `epochSecretNames`, the private keys by their nodes; the public keys that go with the signature
 * key and with those, so that loading computes none; and a tree that is small.
 */
const StoredEpoch = struct("StoredEpoch", {
  cipherSuite: uint16,
  context: opaque,
  interimTranscriptHash: opaque,
  confirmationTag: opaque,
  reinit: optional(ReInit),
  ownLeafIndex: uint32,
  secrets: vector(uint8),
  keys: vector(uint32),
  publicKeys: vector(opaque),
  tree: optional(opaque),
});

/** @param tree where it is small, as it is stored */
export function epochBundle(epoch: MemberEpoch, tree?: Bytes): Bundle {
  const encryptionSecret = encryptionSecretOf(epoch.secretTree);
  const secrets = epoch.secrets.entries();
  if (encryptionSecret !== undefined) secrets.push(["encryptionSecret", encryptionSecret]);
  const keys = epoch.keys.entries();
  const bytes = encode(StoredEpoch, {
    cipherSuite: epoch.suite.id,
    context: epoch.context.bytes,
    interimTranscriptHash: epoch.interimTranscriptHash,
    confirmationTag: epoch.confirmationTag,
    reinit: epoch.reinit ?? null,
    ownLeafIndex: epoch.ownLeafIndex,
    secrets: secrets.map(([name]) => epochSecretNames.indexOf(name)),
    keys: keys.map(([node]) => node),
    publicKeys: [epoch.signatureKey.publicKey, ...keys.map(([, { publicKey }]) => publicKey)],
    tree: tree ?? null,
  });
  return {
    bytes,
    secrets: [epoch.signatureKey, ...secrets.map(([, secret]) => secret), ...keys.map(([, key]) => key)],
  };
}

/** An epoch read back, to be completed by its trees. Owns its handles. */
export type EpochWithoutTrees = Omit<MemberEpoch, "tree" | "secretTree" | "keys"> & {
  readonly nodeKeys: NodeKeys;
  /** Of a secret tree that has no record of its own yet. */
  readonly encryptionSecret: Secret | undefined;
  /** Where it is small. */
  readonly smallTree: Bytes | undefined;
};

/** Takes the secrets of the bundle over. */
export function epochFrom({ bytes, secrets }: OpenedBundle): EpochWithoutTrees {
  using owned = new Owned();
  for (const secret of secrets) owned.add(secret);
  const stored = decode(StoredEpoch, bytes);
  const suite = suiteOf(stored.cipherSuite);
  const context = decodeOnce(GroupContext, stored.context);
  const epochSecretsEnd = 1 + stored.secrets.length;
  const keySecrets = [secrets[0]!, ...secrets.slice(epochSecretsEnd)];
  const { signature, kem } = suite.algorithms;
  const keys = restorePrivateKeys(
    keySecrets.map((raw, at) => ({ algorithm: at === 0 ? signature : kem, raw, publicKey: stored.publicKeys[at]! })),
  );
  for (const key of keys) owned.add(key);
  const entries = stored.secrets.map((index, at) => [epochSecretNames[index]!, secrets[1 + at]!] as const);
  const epochSecrets = EpochSecrets.restore(suite, entries);
  const encryptionSecret = epochSecrets.has("encryptionSecret") ? epochSecrets.take("encryptionSecret") : undefined;
  owned.release();
  disposeSecrets(keySecrets);
  return {
    suite,
    context,
    interimTranscriptHash: stored.interimTranscriptHash,
    confirmationTag: stored.confirmationTag,
    reinit: stored.reinit ?? undefined,
    ownLeafIndex: stored.ownLeafIndex,
    signatureKey: keys[0]!,
    secrets: epochSecrets,
    nodeKeys: new Map(stored.keys.map((node, at) => [node, keys[1 + at]!])),
    encryptionSecret,
    smallTree: stored.tree ?? undefined,
  };
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
  for (const key of nodeKeys.values()) key.dispose();
  encryptionSecret?.dispose();
}
