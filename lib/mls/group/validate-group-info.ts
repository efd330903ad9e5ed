/** RFC 9420 §12.4.3.1: what whoever is not a member yet checks of a group before it trusts its GroupInfo. */
import { encodeOnce } from "../../codec/index.js";
import { GroupContext, ProtocolVersion, type GroupInfo } from "../objects/index.js";
import { interimTranscriptHash } from "../schedule/index.js";
import type { Suite } from "../suite/index.js";
import { leafRequirements, validateTree, type ValidLeaf } from "../tree/index.js";
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
  const meanwhile = () => checkGroupInfoSignature(suite, groupInfo, tree);
  const leaves = await validateTree(tree, { suite, groupId, treeHash, requirements, ownLeaf, meanwhile });
  await checkCredentials(leaves, policy);
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

/** Answers that are no promises are not waited for: a group may have many thousand members. */
async function checkCredentials(leaves: readonly ValidLeaf[], { authentication }: GroupPolicy): Promise<void> {
  for (const { leafIndex, credential, signatureKey } of leaves) {
    const verdict = authentication.validateCredential(credential, signatureKey, "member");
    const trusted = typeof verdict === "boolean" ? verdict : await verdict;
    if (!trusted) refuse("5.3.1/credential", `leaf ${leafIndex}`);
  }
}
