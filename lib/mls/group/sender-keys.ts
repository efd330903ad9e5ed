import { SenderType, type Sender } from "../objects/index.js";
import type { SenderKeys } from "../framing/index.js";
import type { Committer } from "./stage-proposals.js";
import type { PublicEpoch } from "./epoch.js";
import { externalSenders } from "./group-extensions.js";
import type { CustomProposalTypes } from "./proposals.js";

/** Where the signature keys of senders of an epoch are found: its own tree and group context. */
export function senderKeysOf({ tree, context }: PublicEpoch, customTypes: CustomProposalTypes): SenderKeys {
  return {
    member: (leafIndex) => tree.leaf(leafIndex)?.signatureKey,
    externalSender: (senderIndex) => externalSenders(context.value.extensions)[senderIndex]?.signatureKey,
    mayComeFromExternalSender: (proposalType) => customTypes.get(proposalType)?.external ?? false,
  };
}

/** Who commits, of a sender that may. */
export function committerOf(sender: Sender): Committer {
  return sender.senderType === SenderType.member ? sender.leafIndex : "external";
}
