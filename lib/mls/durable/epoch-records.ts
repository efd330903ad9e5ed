// RFC 9420 §8.1: an epoch of a member at rest, but for its trees.
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
import { restorePrivateKeys } from "../../native/keys.js";
import { Owned } from "../../native/owned.js";
import { disposeSecrets } from "../../native/secret.js";
import { memberEpoch, type MemberEpoch } from "../group/epoch.js";
import { GroupContext, ReInit } from "../objects/index.js";
import { EpochSecrets, epochSecretNames, type SecretTree } from "../schedule/index.js";
import { suiteOf } from "../suite/index.js";
import { TreePrivateKeys, type NodeKeys, type RatchetTree } from "../tree/index.js";
import type { Body, OpenedBody } from "./sealed-body.js";

/**
 * The secrets of an epoch by their places in `epochSecretNames`, the private keys by their nodes; the public keys that go with the signature
 * key and with those, so that loading computes none.
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
});

export function epochBody(epoch: MemberEpoch): Body & { readonly bytes: Buffer } {
  const secrets = epoch.secrets.entries();
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
  });
  return {
    bytes,
    secrets: [epoch.signatureKey, ...secrets.map(([, secret]) => secret), ...keys.map(([, key]) => key)],
  };
}

/** An epoch read back, to be completed by its trees. Owns its handles. */
export type EpochWithoutTrees = Omit<MemberEpoch, "tree" | "secretTree" | "keys"> & { readonly nodeKeys: NodeKeys };

/** Takes the secrets of the body over. */
export function epochFrom({ bytes, secrets }: OpenedBody): EpochWithoutTrees {
  using owned = new Owned();
  for (const secret of secrets) owned.add(secret);
  const stored = decode(StoredEpoch, bytes);
  const suite = suiteOf(stored.cipherSuite);
  const context = decodeOnce(GroupContext, stored.context);
  const names = stored.secrets.map((index) => epochSecretNames[index]!);
  const epochSecretsEnd = 1 + names.length;
  const keySecrets = [secrets[0]!, ...secrets.slice(epochSecretsEnd)];
  const { signature, kem } = suite.algorithms;
  const [signatureKey, ...keys] = restorePrivateKeys(
    keySecrets.map((raw, at) => ({ algorithm: at === 0 ? signature : kem, raw, publicKey: stored.publicKeys[at]! })),
  );
  for (const key of [signatureKey!, ...keys]) owned.add(key);
  const epochSecrets = EpochSecrets.restore(
    suite,
    secrets.slice(1, epochSecretsEnd).map((secret, at) => [names[at]!, secret]),
  );
  owned.release();
  disposeSecrets(keySecrets);
  return {
    suite,
    context,
    interimTranscriptHash: stored.interimTranscriptHash,
    confirmationTag: stored.confirmationTag,
    reinit: stored.reinit ?? undefined,
    ownLeafIndex: stored.ownLeafIndex,
    signatureKey: signatureKey!,
    secrets: epochSecrets,
    nodeKeys: new Map(stored.keys.map((node, at) => [node, keys[at]!])),
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
export function disposeStored({ signatureKey, secrets, nodeKeys }: EpochWithoutTrees): void {
  signatureKey.dispose();
  secrets.dispose();
  for (const key of nodeKeys.values()) key.dispose();
}
