/** RFC 9420 §12.1.8: proposals from outside of the group. */
import type { PrivateKey } from "../../native/keys.js";
import { FramingContext, protectPublic, signContent } from "../framing/index.js";
import { ContentType, WireFormat, type Proposal, type Sender } from "../objects/index.js";
import type { Suite } from "../suite/index.js";

/**
 * A proposal to a group by someone who is not in it, a PublicMessage.
 *
 * @param place the group and its current epoch, as a GroupInfo tells them
 * @param signatureKey that of the external sender, or of the key package that is to be added; lent
 */
export function outsideProposal(
  suite: Suite,
  place: { readonly groupId: Uint8Array; readonly epoch: bigint },
  sender: Sender,
  proposal: Proposal,
  signatureKey: PrivateKey,
): Buffer {
  const framing = new FramingContext(suite, place.groupId, place.epoch);
  const content = {
    groupId: place.groupId,
    epoch: place.epoch,
    sender,
    authenticatedData: new Uint8Array(0),
    contentType: ContentType.proposal,
    proposal,
  };
  return protectPublic(signContent(framing, WireFormat.mlsPublicMessage, content, signatureKey), undefined).bytes;
}
