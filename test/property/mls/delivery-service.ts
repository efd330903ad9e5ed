// What stands between the members: it takes one commit for each epoch, the first, and loses, repeats and mixes up what it delivers.
import { expect } from "@jest/globals";
import { PublicGroup, type Received } from "tinymls";
import { decode, MLSMessage } from "tinymls/messages";
import type { Choices } from "./choices.js";
import type { Member } from "./member.js";

/** A commit that was taken, and what was proposed in the epoch that it ended. */
export interface Accepted {
  readonly commit: Buffer;
  readonly proposals: readonly Buffer[];
}

export interface Faults {
  /** In percent. */
  readonly lost: number;
  readonly repeated: number;
  readonly mixedUp: number;
}

export class DeliveryService {
  /** By the epoch that they ended. */
  readonly accepted = new Map<bigint, Accepted>();
  readonly #authenticators = new Map<bigint, string>();
  /** By epoch, sender and generation. */
  readonly #opened = new Map<string, string>();
  readonly #faults: Faults;
  #epoch: bigint;
  #proposals: Buffer[] = [];
  #groupInfo: Buffer;
  #observer: PublicGroup | undefined;

  private constructor(epoch: bigint, groupInfo: Buffer, faults: Faults, observer: PublicGroup | undefined) {
    this.#epoch = epoch;
    this.#groupInfo = groupInfo;
    this.#faults = faults;
    this.#observer = observer;
  }

  /** @param follow whether handshake messages are public, so that they can be followed */
  static async start(epoch: bigint, groupInfo: Buffer, faults: Faults, follow: boolean): Promise<DeliveryService> {
    const observer = follow ? await PublicGroup.fromGroupInfo(groupInfo) : undefined;
    return new DeliveryService(epoch, groupInfo, faults, observer);
  }

  get epoch(): bigint {
    return this.#epoch;
  }
  get groupInfo(): Buffer {
    return this.#groupInfo;
  }
  get observer(): PublicGroup | undefined {
    return this.#observer;
  }

  async propose(epoch: bigint, proposal: Buffer): Promise<boolean> {
    if (epoch !== this.#epoch) return false;
    this.#proposals.push(proposal);
    if (this.#observer !== undefined) {
      // Ed25519 signs the same proposal twice alike.
      expect(["proposal", "duplicate"]).toContain((await this.#observer.receiveMessage(proposal)).kind);
    }
    return true;
  }

  /** Whether it is the first of the epoch that it ends. `groupInfo` is that of the epoch that it begins. */
  async commit(epoch: bigint, commit: Buffer, groupInfo: Buffer): Promise<boolean> {
    if (epoch !== this.#epoch) return false;
    this.accepted.set(epoch, { commit, proposals: this.#proposals });
    this.#proposals = [];
    this.#epoch = epoch + 1n;
    this.#groupInfo = groupInfo;
    if (this.#observer !== undefined) {
      expect(await this.#observer.receiveMessage(commit)).toMatchObject({ kind: "commit", epoch: this.#epoch });
      const message = decode(MLSMessage, groupInfo);
      if (!("groupInfo" in message)) throw new Error("no GroupInfo");
      expect(this.#observer.treeHash.equals(message.groupInfo.groupContext.treeHash)).toBe(true);
    }
    return true;
  }

  /** Puts a message into the inboxes of all but its sender. */
  deliver(message: Buffer, sender: Member, members: readonly Member[], choices: Choices): void {
    for (const member of members) {
      if (member === sender || !member.isInGroup || choices.percent(this.#faults.lost)) continue;
      const copies = choices.percent(this.#faults.repeated) ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) member.inbox.push(message);
      if (!choices.percent(this.#faults.mixedUp)) continue;
      const { inbox } = member;
      const [a, b] = [choices.below(inbox.length), choices.below(inbox.length)];
      [inbox[a], inbox[b]] = [inbox[b]!, inbox[a]!];
    }
  }

  /** All who are in an epoch by the commits that were taken have to agree on it. */
  agree(epoch: bigint, authenticator: Buffer, who: string): void {
    const known = this.#authenticators.get(epoch);
    const own = authenticator.toString("hex");
    if (known === undefined) this.#authenticators.set(epoch, own);
    else if (known !== own) throw new Error(`${who} disagrees about epoch ${epoch}`);
  }

  /** A key and nonce are used once, by senders too whose process died (RFC 9420 §9.1). */
  opened({ epoch, sender, generation, data }: Extract<Received, { readonly kind: "application" }>): void {
    const place = `${epoch} ${sender.leafIndex} ${generation}`;
    const text = data.toString();
    const known = this.#opened.get(place);
    if (known !== undefined && known !== text) throw new Error(`generation used twice: ${place}: ${known}, ${text}`);
    this.#opened.set(place, text);
  }
}
