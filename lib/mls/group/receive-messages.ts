/** RFC 9420 §14, §15.3: receiving one message or many. */
import { verifyMessage, verifyMessages, type VerifiedMessage } from "../framing/index.js";
import { ContentType } from "../objects/index.js";
import type { MemberState } from "./member-state.js";
import { isOpened, openMessage, type OpenedMessage } from "./open-message.js";
import { receiveVerified } from "./receive.js";
import { rejection, type Received } from "./received.js";
import { refuse } from "../rules.js";

type Bytes = Uint8Array;

/** What comes of a message. Only an error that is not about the message is thrown. */
export async function receiveOne(state: MemberState, bytes: Bytes): Promise<Received> {
  const opened = tryOpen(state, bytes);
  if (!isOpened(opened)) return opened;
  const { message, publicKey } = opened;
  return settle(opened, async (accept) => {
    const keys = { member: () => publicKey, externalSender: () => publicKey };
    return receiveVerified(state, verifyMessage(message, keys), opened, accept);
  });
}

/**
 * What comes of each message, in their order. The signatures of successive application messages are verified in batches, while this
 * thread opens what follows; a proposal or commit is applied before what follows it is opened.
 */
export async function receiveAll(
  state: MemberState,
  messages: readonly Bytes[],
  applied: (outcome: Received) => Received,
): Promise<Received[]> {
  const outcomes: Received[] = [];
  const batches = new Batches(state, outcomes);
  try {
    for (const [index, bytes] of messages.entries()) {
      let opened = tryOpen(state, bytes);
      // The ratchet moves once those before it are accepted.
      if ("rule" in opened && opened.rule === "15.3/forward-distance" && !batches.isEmpty) {
        await batches.finish();
        opened = tryOpen(state, bytes);
      }
      if (!isOpened(opened)) {
        outcomes[index] = opened;
        continue;
      }
      if (opened.message.content.contentType === ContentType.application) {
        await batches.add({ index, bytes, opened });
        continue;
      }
      opened.key?.discard();
      await batches.finish();
      outcomes[index] = applied(await receiveOne(state, bytes));
      if (outcomes[index].kind === "commit" && outcomes[index].selfRemoved) {
        for (let rest = index + 1; rest < messages.length; rest++) outcomes[rest] = { kind: "stale" };
        return outcomes;
      }
    }
    await batches.finish();
    return outcomes;
  } catch (error) {
    batches.discard();
    throw error;
  }
}

/** An application message that is opened; its signature is not verified yet. */
interface Waiting {
  readonly index: number;
  readonly bytes: Bytes;
  readonly opened: OpenedMessage;
}

interface Batch {
  readonly messages: readonly Waiting[];
  readonly verified: Promise<(VerifiedMessage | undefined)[]>;
}

/** Messages whose signatures are verified in one native call. */
const batchSize = 128;
/** Batches under way at once, so that no core waits for this thread. */
const ahead = 3;

/** Verifies signatures in batches off this thread, and settles the messages in their order. */
class Batches {
  readonly #state: MemberState;
  readonly #outcomes: Received[];
  readonly #running: Batch[] = [];
  #next: Waiting[] = [];

  constructor(state: MemberState, outcomes: Received[]) {
    this.#state = state;
    this.#outcomes = outcomes;
  }

  get isEmpty(): boolean {
    return this.#running.length === 0 && this.#next.length === 0;
  }

  async add(message: Waiting): Promise<void> {
    this.#next.push(message);
    if (this.#next.length < batchSize) return;
    this.#start();
    if (this.#running.length > ahead) await this.#settleFirst();
  }

  /** Until all that was added is settled. */
  async finish(): Promise<void> {
    if (this.#next.length > 0) this.#start();
    while (this.#running.length > 0) await this.#settleFirst();
  }

  /** When something fails that is about no message. */
  discard(): void {
    const left = [...this.#running.flatMap(({ messages }) => messages), ...this.#next];
    for (const { opened } of left) opened.key?.discard();
  }

  #start(): void {
    const messages = this.#next;
    this.#next = [];
    const verified = verifyMessages(
      this.#state.epoch.suite,
      messages.map(({ opened }) => opened),
    );
    verified.catch(() => undefined); // seen when it is awaited, unless something else fails first
    this.#running.push({ messages, verified });
  }

  async #settleFirst(): Promise<void> {
    const { messages, verified } = this.#running[0]!;
    const results = await verified;
    for (const [at, { index, bytes, opened }] of messages.entries()) {
      const message = results[at];
      const outcome = await settle(opened, async (accept) => {
        return receiveVerified(this.#state, message ?? refuse("6.1/signature"), opened, accept);
      });
      // A message before it used or dropped the key: which of both, the message opened again tells.
      this.#outcomes[index] = outcome.kind === "duplicate" ? await receiveOne(this.#state, bytes) : outcome;
    }
    this.#running.shift();
  }
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
