/** RFC 9420 §6: from octets to a message of this group whose encryption or membership tag was right. */
import { decode } from "../../codec/index.js";
import {
  openPrivate,
  openPublic,
  senderKey,
  type AuthenticatedMessage,
  type FramingContext,
} from "../framing/index.js";
import {
  ContentType,
  MLSMessage,
  SenderType,
  WireFormat,
  type PrivateMessage,
  type PublicMessage,
} from "../objects/index.js";
import { refuse } from "../rules.js";
import type { PeekedKey } from "../schedule/index.js";
import type { RatchetTree } from "../tree/index.js";
import type { MemberState } from "./member-state.js";
import type { Received } from "./received.js";

type Bytes = Uint8Array;

/** A message that is opened, its signature still to be verified. */
export interface OpenedMessage {
  readonly message: AuthenticatedMessage;
  /** The signature key of its sender. */
  readonly publicKey: Bytes;
  /** The tree of the message's own epoch. */
  readonly tree: RatchetTree;
  /** Of a PrivateMessage: to be committed once the message is accepted, discarded otherwise. */
  readonly key: PeekedKey | undefined;
  readonly generation: number;
}

/**
 * Opens a message, or says what it is when there is nothing to open. Nothing changes, but that a fork is noticed.
 * @throws TinyMlsError `malformed`, `undecryptable`, or `invalid` with the rule
 */
export function openMessage(state: MemberState, bytes: Bytes): OpenedMessage | Received {
  const decoded = decode(MLSMessage, bytes);
  switch (decoded.wireFormat) {
    case WireFormat.mlsPublicMessage:
      return openHandshake(state, decoded.publicMessage, bytes);
    case WireFormat.mlsPrivateMessage:
      return openEncrypted(state, decoded.privateMessage, bytes);
    default:
      return refuse("6/group-message", `wire format ${decoded.wireFormat}`);
  }
}

export function isOpened(outcome: OpenedMessage | Received): outcome is OpenedMessage {
  return "message" in outcome;
}

function openHandshake(state: MemberState, publicMessage: PublicMessage, bytes: Bytes): OpenedMessage | Received {
  const { framing, senderKeys, epoch } = state;
  const elsewhere = placeOf(framing, publicMessage.content);
  if (elsewhere === "past") return state.sent.has(bytes) ? { kind: "ownEcho" } : { kind: "stale" };
  if (elsewhere === "future") return { kind: "future" };
  const { membershipKey } = epoch.secrets;
  const message = openPublic(framing, publicMessage, bytes, { membershipKey }, senderKeys);
  if (state.sent.has(bytes)) return { kind: "ownEcho" };
  return {
    message,
    publicKey: senderKey(message.content, senderKeys),
    tree: epoch.tree,
    key: undefined,
    generation: 0,
  };
}

function openEncrypted(state: MemberState, message: PrivateMessage, bytes: Bytes): OpenedMessage | Received {
  const { framing, senderKeys, epoch } = state;
  const elsewhere = placeOf(framing, message);
  if (elsewhere === "future") return { kind: "future" };
  if (elsewhere === "past") return openLate(state, message, bytes);
  const { senderDataSecret } = epoch.secrets;
  const opened = openPrivate(framing, message, bytes, { senderDataSecret, secretTree: epoch.secretTree }, senderKeys);
  if (opened.kind === "own" && isUnknown(state, message.contentType, opened.generation, bytes)) {
    // It was made by a later state: this one was put back to an older copy.
    state.noticeFork(state.policy.now());
    if (message.contentType === ContentType.commit) refuse("14/own-commit");
    return { kind: "ownEcho", isUnknown: true };
  }
  return outcomeOf(opened, epoch.tree);
}

/** Whether this state did not send a message of its own member. */
function isUnknown({ epoch, sent }: MemberState, type: ContentType, generation: number, bytes: Bytes): boolean {
  if (type === ContentType.application) return generation >= epoch.secretTree.sentBelow("application");
  return type === ContentType.commit && !sent.has(bytes);
}

/** Of past epochs, application messages alone are of use. */
function openLate(state: MemberState, message: PrivateMessage, bytes: Bytes): OpenedMessage | Received {
  if (message.contentType !== ContentType.application) {
    return state.sent.has(bytes) ? { kind: "ownEcho" } : { kind: "stale" };
  }
  const past = state.past.get(message.epoch);
  if (past === undefined) return { kind: "stale" };
  const { framing, tree, secretTree } = past;
  const { senderDataSecret } = past.secrets;
  const members = { member: (leafIndex: number) => tree.leaf(leafIndex)?.signatureKey };
  return outcomeOf(openPrivate(framing, message, bytes, { senderDataSecret, secretTree }, members), tree);
}

function outcomeOf(opened: ReturnType<typeof openPrivate>, tree: RatchetTree): OpenedMessage | Received {
  if (opened.kind === "own") return { kind: "ownEcho" };
  if (opened.kind !== "opened") return { kind: opened.kind };
  const { message, key, generation } = opened;
  const { sender } = message.content;
  const publicKey = sender.senderType === SenderType.member ? tree.leaf(sender.leafIndex)?.signatureKey : undefined;
  if (publicKey !== undefined) return { message, publicKey, tree, key, generation };
  key.discard();
  return refuse("6.1/sender-key");
}

function placeOf(
  framing: FramingContext,
  message: { readonly groupId: Bytes; readonly epoch: bigint },
): "here" | "past" | "future" {
  const place = framing.place(message);
  return place === "otherGroup" ? refuse("6/group-id") : place;
}
