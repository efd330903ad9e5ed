/** RFC 9420 §6.1: signature and confirmation tag. */
import type { PrivateKey } from "../../native/keys.js";
import type { Secret } from "../../native/secret.js";
import type { FramedContent, WireFormat } from "../objects/index.js";
import { refuse } from "../rules.js";
import type { Suite } from "../suite/index.js";
import {
  AuthenticatedMessage,
  contentTbs,
  encodeAuth,
  type SignedContent,
  type VerifiedMessage,
} from "./authenticated-message.js";
import { contentBody, contentHead } from "./content.js";
import type { FramingContext } from "./framing-context.js";
import { checkSender, senderKey, type SenderKeys } from "./sender.js";

type Bytes = Uint8Array;

const label = "FramedContentTBS";

/**
 * Signs content for one wire format.
 * @throws TinyMlsError by a rule of §6 where the sender may not send it so.
 */
export function signContent(
  context: FramingContext,
  wireFormat: WireFormat,
  content: FramedContent,
  signatureKey: PrivateKey,
): SignedContent {
  context.requireHere(content);
  checkSender(wireFormat, content, { mayComeFromExternalSender: () => true });
  const head = contentHead(context, wireFormat, content);
  const body = contentBody(content);
  const tbs = contentTbs({ context, content, head, body });
  return { context, wireFormat, content, head, body, signature: context.suite.signWithLabel(signatureKey, label, tbs) };
}

/** Own content, complete. `confirmationTag` is there for commits, and for them only; `authBytes` are both, encoded. */
export function authenticate(
  signed: SignedContent,
  confirmationTag: Bytes | undefined,
  authBytes = encodeAuth(signed.signature, confirmationTag),
): VerifiedMessage {
  const { signature } = signed;
  const auth = confirmationTag === undefined ? { signature } : { signature, confirmationTag };
  return new AuthenticatedMessage(signed, auth, authBytes) as VerifiedMessage;
}

/**
 * Verifies that the sender signed the message.
 * @throws TinyMlsError rules `6.1/sender-key` and `6.1/signature`.
 */
export function verifyMessage(message: AuthenticatedMessage, keys: SenderKeys): VerifiedMessage {
  const publicKey = senderKey(message.content, keys);
  const { suite } = message.context;
  if (!suite.verifyWithLabel(publicKey, label, contentTbs(message), message.signature)) refuse("6.1/signature");
  return message as VerifiedMessage;
}

/**
 * {@link verifyMessage} for many messages of one cipher suite, in parallel and off the event loop.
 * @returns for each message the verified one, or undefined where `6.1/signature` refuses it.
 */
export async function verifyMessages(
  suite: Suite,
  items: readonly { readonly message: AuthenticatedMessage; readonly publicKey: Bytes }[],
): Promise<(VerifiedMessage | undefined)[]> {
  const signed = items.map(({ message, publicKey }) => ({
    publicKey,
    label,
    content: contentTbs(message),
    signature: message.signature,
  }));
  const verdicts = await suite.verifyWithLabelAll(signed);
  return items.map(({ message }, index) => (verdicts[index] === true ? (message as VerifiedMessage) : undefined));
}

/** confirmation_tag of a new epoch: over its confirmed_transcript_hash with its confirmation_key. */
export function confirmationTag(suite: Suite, confirmationKey: Secret, confirmedTranscriptHash: Bytes): Buffer {
  return suite.mac(confirmationKey, confirmedTranscriptHash);
}

/**
 * Compares in constant time; an empty or truncated tag is refused.
 * @throws TinyMlsError rule `6.1/confirmation-tag`.
 */
export function verifyConfirmationTag(
  suite: Suite,
  confirmationKey: Secret,
  confirmedTranscriptHash: Bytes,
  tag: Bytes | undefined,
): void {
  if (tag === undefined || !suite.verifyMac(confirmationKey, tag, confirmedTranscriptHash)) {
    refuse("6.1/confirmation-tag");
  }
}
