import {
  decode,
  encode,
  KeyPackage,
  type Extension,
  type GroupInfo,
  type GroupSecrets,
  type Welcome,
} from "tinymls/messages";
import type { PrivateKey } from "tinymls/crypto";
import {
  ExternalPub,
  ExtensionType,
  GroupInfoTBS,
  GroupSecrets as GroupSecretsCodec,
  GroupInfo as GroupInfoCodec,
  MLSMessage,
  WireFormat,
} from "#dist/mls/objects/index.js";
import type { MemberEpoch } from "#dist/mls/group/epoch.js";
import { sealGroupInfo } from "#dist/mls/schedule/index.js";
import type { Suite } from "#dist/mls/suite/index.js";
import { commonAncestor, leafNode } from "#dist/mls/tree/index.js";
import { decodeSecret, type Secret } from "#dist/native/secret.js";
import type { ForgedCommit } from "./commit.js";

/** Where a GroupInfo departs from RFC 9420 §12.4.3. */
export interface GroupInfoDeparture {
  /** Its fields before they are signed. */
  readonly groupInfo?: (fields: Omit<GroupInfo, "signature">) => Omit<GroupInfo, "signature">;
  readonly infoSigner?: PrivateKey;
  /** The body of the ratchet_tree extension; null for none. */
  readonly ratchetTree?: Buffer | null;
}

/** Where a Welcome departs from RFC 9420 §12.4.3.1. */
export interface WelcomeDeparture extends GroupInfoDeparture {
  readonly groupSecrets?: (secrets: GroupSecrets) => GroupSecrets;
  /** The whole before it is encoded. */
  readonly welcome?: (welcome: Welcome) => Welcome;
  /** The encrypted GroupInfo before the group secrets are bound to it. */
  readonly sealed?: (encryptedGroupInfo: Buffer) => Buffer;
}

type InfoBase = Pick<ForgedCommit, "context" | "confirmationTag" | "tree">;

function signedGroupInfo(
  suite: Suite,
  base: InfoBase,
  by: { readonly leafIndex: number; readonly signer: PrivateKey },
  departure: GroupInfoDeparture,
  more: readonly Extension[] = [],
): GroupInfo {
  const tree = departure.ratchetTree === undefined ? base.tree.encode() : departure.ratchetTree;
  const ratchetTree = { extensionType: ExtensionType.ratchetTree, extensionData: tree ?? Buffer.alloc(0) };
  const right = {
    groupContext: base.context.value,
    extensions: [...(tree === null ? [] : [ratchetTree]), ...more],
    confirmationTag: base.confirmationTag,
    signer: by.leafIndex,
  };
  const fields = departure.groupInfo?.(right) ?? right;
  const content = encode(GroupInfoTBS, fields);
  return { ...fields, signature: suite.signWithLabel(departure.infoSigner ?? by.signer, "GroupInfoTBS", content) };
}

/** The Welcome of a commit for all that it adds, an MLSMessage. */
export function forgeWelcome(
  commit: ForgedCommit,
  suite: Suite,
  signer: PrivateKey,
  departure: WelcomeDeparture,
): Buffer {
  const groupInfo = signedGroupInfo(suite, commit, { leafIndex: commit.committerLeaf, signer }, departure);
  const sealed = sealGroupInfo(suite, commit.joiner, commit.pskSecret, encode(GroupInfoCodec, groupInfo));
  const encryptedGroupInfo = departure.sealed?.(sealed) ?? sealed;
  const secrets = commit.added.map(({ leafIndex, keyPackage }) => {
    const common = commonAncestor(leafNode(commit.committerLeaf), leafNode(leafIndex));
    const pathSecret = commit.path?.secrets.get(common);
    const right: GroupSecrets = {
      joinerSecret: bytesOf(commit.joiner),
      pathSecret: pathSecret === undefined ? null : { pathSecret: bytesOf(pathSecret) },
      psks: [...commit.psks],
    };
    const plaintext = encode(GroupSecretsCodec, departure.groupSecrets?.(right) ?? right);
    return {
      newMember: suite.keyPackageRef(encode(KeyPackage, keyPackage)),
      encryptedGroupSecrets: suite.encryptWithLabel(keyPackage.initKey, "Welcome", encryptedGroupInfo, plaintext),
    };
  });
  const right: Welcome = { cipherSuite: suite.id, secrets, encryptedGroupInfo };
  const welcome = departure.welcome?.(right) ?? right;
  return encode(MLSMessage, { version: 1, wireFormat: WireFormat.mlsWelcome, welcome });
}

/** A GroupInfo for external commits, an MLSMessage. */
export function forgeGroupInfo(
  suite: Suite,
  base: InfoBase & { readonly externalPub: Uint8Array },
  by: { readonly leafIndex: number; readonly signer: PrivateKey },
  departure: GroupInfoDeparture,
): Buffer {
  const { externalPub } = base;
  const extension = {
    extensionType: ExtensionType.externalPub,
    extensionData: encode(ExternalPub, { externalPub }),
  };
  const groupInfo = signedGroupInfo(suite, base, by, departure, [extension]);
  return encode(MLSMessage, { version: 1, wireFormat: WireFormat.mlsGroupInfo, groupInfo });
}

/** What a GroupInfo says of the epoch of a member. */
export function infoOf(epoch: MemberEpoch): InfoBase & { readonly externalPub: Uint8Array } {
  const { context, tree, confirmationTag, secrets } = epoch;
  const externalPub = secrets.externalKeyPair.publicKey;
  return { context, tree, confirmationTag: Buffer.from(confirmationTag), externalPub };
}

function bytesOf(secret: Secret): Buffer {
  return decodeSecret(secret, (bytes) => Buffer.from(bytes));
}

/** The key package in an MLSMessage. */
export function keyPackageIn(bytes: Uint8Array): KeyPackage {
  const message = decode(MLSMessage, bytes);
  if (message.wireFormat !== WireFormat.mlsKeyPackage) throw new Error("no key package");
  return message.keyPackage;
}
