/** RFC 9420 §6: message framing. */
export {
  AuthenticatedMessage,
  wireFormatAndContent,
  type SignedContent,
  type VerifiedMessage,
} from "./authenticated-message.js";
export { framedContent, type ContentBody } from "./content.js";
export { FramingContext, type Place } from "./framing-context.js";
export { paddingFor, type PaddingPolicy } from "./padding.js";
export { openPrivate, protectPrivate, type MessageSecrets, type OpenedPrivate } from "./private-message.js";
export { openPublic, protectPublic, type Membership, type Protected } from "./public-message.js";
export { checkSender, senderKey, type SenderKeys } from "./sender.js";
export {
  authenticate,
  confirmationTag,
  signContent,
  verifyConfirmationTag,
  verifyMessage,
  verifyMessages,
} from "./signature.js";
