/** RFC 9420 §11: creating a group. */
import { encodeOnce } from "../../codec/index.js";
import type { PrivateKey } from "../../native/keys.js";
import { GroupContext, LeafNodeSource, ProtocolVersion, type Extension, type Lifetime } from "../objects/index.js";
import { EpochSecrets } from "../schedule/index.js";
import type { Suite } from "../suite/index.js";
import {
  checkLeaf,
  checkSupport,
  leafNode,
  leafRequirements,
  RatchetTree,
  signLeaf,
  TreePrivateKeys,
} from "../tree/index.js";
import { confirmed } from "./create-commit.js";
import { memberEpoch, type MemberEpoch } from "./epoch.js";
import { checkGroupExtensions } from "./group-extensions.js";
import type { LeafIdentity } from "./key-package.js";
import { secretTreeOf, type KeepingPolicy } from "./stage-member.js";

export interface NewGroup extends KeepingPolicy {
  readonly suite: Suite;
  readonly groupId: Uint8Array;
  readonly extensions: readonly Extension[];
  readonly identity: LeafIdentity;
  readonly lifetime: Lifetime;
}

/**
 * Epoch 0 of a group with one member.
 * @throws TinyMlsError `invalid` where the member does not suit the extensions
 */
export function createGroup({ suite, groupId, extensions, identity, lifetime, ...keeping }: NewGroup): MemberEpoch {
  checkGroupExtensions(extensions);
  const leafKey = suite.generateHpkeKeyPair();
  let signatureKey: PrivateKey | undefined;
  let secrets: EpochSecrets | undefined;
  try {
    const leaf = signLeaf(suite, identity.signatureKey, {
      encryptionKey: leafKey.publicKey,
      signatureKey: identity.signatureKey.publicKey,
      credential: identity.credential,
      capabilities: identity.capabilities,
      leafNodeSource: LeafNodeSource.keyPackage,
      lifetime,
      extensions: identity.extensions,
    });
    const requirements = leafRequirements({ cipherSuite: suite.id, extensions });
    checkLeaf(suite, leaf.value, requirements);
    const tree = RatchetTree.create(suite, leaf);
    checkSupport(tree.support, requirements);
    const context = encodeOnce(GroupContext, {
      version: ProtocolVersion.mls10,
      cipherSuite: suite.id,
      groupId,
      epoch: 0n,
      treeHash: tree.treeHash(),
      confirmedTranscriptHash: new Uint8Array(0),
      extensions,
    });
    secrets = EpochSecrets.forNewGroup(suite);
    signatureKey = identity.signatureKey.clone();
    return memberEpoch(confirmed({ suite, context, tree, reinit: undefined }, secrets), {
      ownLeafIndex: 0,
      keys: new TreePrivateKeys(0, new Map([[leafNode(0), leafKey]])),
      signatureKey,
      secrets,
      secretTree: secretTreeOf(secrets, tree.leafWidth, 0, keeping),
    });
  } catch (error) {
    leafKey.dispose();
    signatureKey?.dispose();
    secrets?.dispose();
    throw error;
  }
}
