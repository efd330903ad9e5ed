/** RFC 9420 §12.4.3: GroupInfo. */
import { encode } from "../../codec/index.js";
import {
  ExternalPub,
  ExtensionType,
  type GroupInfo,
  GroupInfoTBS,
  MLSMessage,
  ProtocolVersion,
  WireFormat,
  type Extension,
} from "../objects/index.js";
import { refuse } from "../rules.js";
import type { Suite } from "../suite/index.js";
import { RatchetTree } from "../tree/index.js";
import { greaseExtension } from "./capabilities.js";
import type { MemberEpoch } from "./epoch.js";
import { findExtension } from "./group-extensions.js";
import { TinyMlsError } from "../../errors.js";

type Bytes = Uint8Array;

const label = "GroupInfoTBS";

export interface GroupInfoContents {
  /** With the ratchet tree (§12.4.3.3), so that a joiner needs it from nowhere else. */
  readonly ratchetTree: boolean;
  /** With the key for external commits (§12.4.3.2). */
  readonly externalPub: boolean;
  readonly extensions?: readonly Extension[] | undefined;
}

/** The signed GroupInfo of an epoch, with a GREASE extension. */
export function createGroupInfo(epoch: MemberEpoch, contents: GroupInfoContents): GroupInfo {
  const tbs = {
    groupContext: epoch.context.value,
    extensions: groupInfoExtensions(epoch, contents),
    confirmationTag: epoch.confirmationTag,
    signer: epoch.ownLeafIndex,
  };
  return { ...tbs, signature: epoch.suite.signWithLabel(epoch.signatureKey, label, encode(GroupInfoTBS, tbs)) };
}

function groupInfoExtensions(epoch: MemberEpoch, contents: GroupInfoContents): Extension[] {
  const given = contents.extensions ?? [];
  const grease = greaseExtension();
  const extensions = given.some(({ extensionType }) => extensionType === grease.extensionType)
    ? [...given]
    : [grease, ...given];
  if (contents.ratchetTree) {
    extensions.push({ extensionType: ExtensionType.ratchetTree, extensionData: epoch.tree.encode() });
  }
  if (contents.externalPub) {
    const externalPub = epoch.secrets.externalKeyPair.publicKey;
    extensions.push({
      extensionType: ExtensionType.externalPub,
      extensionData: encode(ExternalPub, { externalPub }),
    });
  }
  return extensions;
}

/** As an MLSMessage. */
export function encodeGroupInfo(groupInfo: GroupInfo): Buffer {
  return encode(MLSMessage, { version: ProtocolVersion.mls10, wireFormat: WireFormat.mlsGroupInfo, groupInfo });
}

/**
 * The ratchet tree that comes with a GroupInfo, or the one that came apart from it.
 * @throws TinyMlsError `missing` where there is neither; `malformed`; `invalid` with the rule
 */
export function treeOf(suite: Suite, { extensions }: GroupInfo, apart: Bytes | undefined): RatchetTree {
  const types = extensions.map(({ extensionType }) => extensionType);
  if (new Set(types).size !== types.length) refuse("13.4/extensions-unique", "GroupInfo");
  const bytes = apart ?? findExtension(extensions, ExtensionType.ratchetTree);
  if (bytes !== undefined) return RatchetTree.decode(suite, bytes);
  throw new TinyMlsError("missing", "the GroupInfo holds no ratchet tree: give it as options.ratchetTree", {
    component: "mls",
    rule: "12.4.3.1/ratchet-tree",
    section: "RFC 9420 §12.4.3.1",
  });
}

/**
 * RFC 9420 §12.4.3.1: the signature, under the key of the signer's leaf.
 * @throws TinyMlsError `invalid` with the rule
 */
export function checkGroupInfoSignature(suite: Suite, groupInfo: GroupInfo, tree: RatchetTree): void {
  const signer = tree.leaf(groupInfo.signer);
  if (signer === null) refuse("12.4.3.1/signer", `leaf ${groupInfo.signer} is blank`);
  const { signature, ...tbs } = groupInfo;
  const valid = suite.verifyWithLabel(signer.signatureKey, label, encode(GroupInfoTBS, tbs), signature);
  if (!valid) refuse("12.4.3/group-info-signature");
}
