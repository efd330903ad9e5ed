/** RFC 9420 §12.4.3.1: what whoever is not a member yet checks of a group before it trusts its GroupInfo. */
import { encodeOnce } from "../../codec/index.js";
import { GroupContext, ProtocolVersion, type GroupInfo, type LeafNode } from "../objects/index.js";
import { interimTranscriptHash } from "../schedule/index.js";
import type { Suite } from "../suite/index.js";
import { leafRequirements, validateTree } from "../tree/index.js";
import type { PublicEpoch } from "./epoch.js";
import { checkGroupExtensions } from "./group-extensions.js";
import { checkGroupInfoSignature, treeOf } from "./group-info.js";
import { checkExternalSenders, type GroupPolicy } from "./policy.js";
import { refuse } from "../rules.js";

/**
 * The public side of the epoch that a GroupInfo tells of, once its signature, its tree and all credentials are found valid. The
 * confirmation tag is for members to check.
 *
 * @param ratchetTree the body of a ratchet_tree extension, where the GroupInfo does not hold it
 * @param ownLeaf of whoever joins with a leaf that is in the tree already, encoded: its signature is their own
 * @throws TinyMlsError `missing` without a tree; `malformed`; `invalid` with the rule
 */
export async function validateGroupInfo(
  suite: Suite,
  groupInfo: GroupInfo,
  ratchetTree: Uint8Array | undefined,
  policy: GroupPolicy,
  ownLeaf?: Uint8Array,
): Promise<PublicEpoch> {
  const { groupContext, confirmationTag } = groupInfo;
  const { groupId, treeHash, confirmedTranscriptHash, extensions } = groupContext;
  if (groupContext.version !== ProtocolVersion.mls10) refuse("12.4.3.1/version", `version ${groupContext.version}`);
  checkGroupExtensions(extensions);
  const tree = treeOf(suite, groupInfo, ratchetTree);
  // Members of old standing may have come with a key package whose lifetime is over.
  const requirements = leafRequirements(groupContext);
  const checkCredential = credentialsBy(policy);
  const validated = validateTree(tree, { suite, groupId, treeHash, requirements, ownLeaf, checkCredential });
  validated.catch(() => undefined); // seen below
  checkGroupInfoSignature(suite, groupInfo, tree); // on this thread, while others check those of leaves
  await validated;
  await checkExternalSenders(policy, extensions);
  return {
    suite,
    context: encodeOnce(GroupContext, groupContext),
    tree,
    interimTranscriptHash: interimTranscriptHash(suite, confirmedTranscriptHash, confirmationTag),
    confirmationTag: Buffer.from(confirmationTag),
    reinit: undefined,
  };
}

function credentialsBy({ authentication }: GroupPolicy) {
  const check = (trusted: boolean, leafIndex: number): void => {
    if (!trusted) refuse("5.3.1/credential", `leaf ${leafIndex}`);
  };
  return ({ credential, signatureKey }: LeafNode, leafIndex: number): Promise<void> | undefined => {
    const verdict = authentication.validateCredential(credential, signatureKey, "member");
    if (typeof verdict !== "boolean") return Promise.resolve(verdict).then((trusted) => check(trusted, leafIndex));
    check(verdict, leafIndex);
    return undefined;
  };
}
