/** RFC 9420 §14, §15.3: receiving one message or many. */
import { TinyMlsError } from "../../errors.js";
import { verifyMessage, verifyMessages, type VerifiedMessage } from "../framing/index.js";
import { ContentType } from "../objects/index.js";
import type { MemberState } from "./member-state.js";
import { isOpened, openMessage, type OpenedMessage } from "./open-message.js";
import { receiveVerified } from "./receive.js";
import { rejection, type Received } from "./received.js";
import { types } from "node:util";

type Bytes = Uint8Array;

/** What comes of a message. Only an error that is not about the message is thrown. */
export async function receiveOne(state: MemberState, bytes: Bytes): Promise<Received> {
  requireBytes(bytes);
  const opened = tryOpen(state, bytes);
  if (!isOpened(opened)) return opened;
  const { message, publicKey } = opened;
  return settle(opened, async (accept) => {
    const keys = { member: () => publicKey, externalSender: () => publicKey };
    return receiveVerified(state, verifyMessage(message, keys), opened, accept);
  });
}

/** So many messages are open before their signatures are verified. */
const mostAtOnce = 512;

/**
 * What comes of each message, in their order. The signatures of successive application messages are verified in one batch; a
 * proposal or commit is applied before what follows it is opened.
 */
export async function receiveAll(
  state: MemberState,
  messages: readonly Bytes[],
  applied: (outcome: Received) => Received,
): Promise<Received[]> {
  const outcomes: Received[] = [];
  let batch: Waiting[] = [];
  const flush = async (): Promise<void> => {
    const ready = batch;
    batch = [];
    await verifyBatch(state, ready, outcomes);
  };
  messages.forEach(requireBytes);
  for (const [index, bytes] of messages.entries()) {
    let opened = tryOpen(state, bytes);
    // The ratchet moves once those before it are accepted.
    const tooFar = "rule" in opened && opened.rule === "15.3/forward-distance";
    if ((tooFar && batch.length > 0) || batch.length >= mostAtOnce) {
      if (isOpened(opened)) opened.key?.discard();
      await flush();
      opened = tryOpen(state, bytes);
    }
    if (!isOpened(opened)) {
      outcomes[index] = opened;
      continue;
    }
    if (opened.message.content.contentType === ContentType.application) {
      batch.push({ index, bytes, opened });
      continue;
    }
    opened.key?.discard();
    await flush();
    outcomes[index] = applied(await receiveOne(state, bytes));
    if (outcomes[index].kind === "commit" && outcomes[index].selfRemoved) {
      for (let rest = index + 1; rest < messages.length; rest++) outcomes[rest] = { kind: "stale" };
      return outcomes;
    }
  }
  await flush();
  return outcomes;
}

interface Waiting {
  readonly index: number;
  readonly bytes: Bytes;
  readonly opened: OpenedMessage;
}

async function verifyBatch(state: MemberState, batch: readonly Waiting[], outcomes: Received[]): Promise<void> {
  if (batch.length === 0) return;
  let verified: (VerifiedMessage | undefined)[];
  try {
    verified = await verifyMessages(
      state.epoch.suite,
      batch.map(({ opened }) => opened),
    );
  } catch (error) {
    for (const { opened } of batch) opened.key?.discard();
    throw error;
  }
  for (const [at, { index, bytes, opened }] of batch.entries()) {
    const message = verified[at];
    outcomes[index] = await settle(opened, async (accept) => {
      if (message !== undefined) return receiveVerified(state, message, opened, accept);
      throw new TinyMlsError("invalid", "the signature does not verify", {
        component: "mls",
        rule: "6.1/signature",
        section: "RFC 9420 §6.1",
      });
    });
    // A message of the same batch used or dropped the key: which of both, the message opened again tells.
    if (outcomes[index].kind === "duplicate") outcomes[index] = await receiveOne(state, bytes);
  }
}

function requireBytes(bytes: Bytes): void {
  if (types.isUint8Array(bytes)) return;
  throw new TinyMlsError("usage", "a message is a Uint8Array", { operation: "receiveMessage", component: "mls" });
}

function tryOpen(state: MemberState, bytes: Bytes): OpenedMessage | Received {
  try {
    return openMessage(state, bytes);
  } catch (error) {
    return rejection(error);
  }
}

/** The key of a message that is accepted is erased before anything changes, and kept of one that is not. */
async function settle(
  { key }: OpenedMessage,
  receive: (accept: () => boolean) => Promise<Received>,
): Promise<Received> {
  try {
    return await receive(() => key?.commit() ?? true);
  } catch (error) {
    return rejection(error);
  } finally {
    key?.discard();
  }
}
