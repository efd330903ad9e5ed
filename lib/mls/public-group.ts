/** RFC 9420 §16.4.3: a group as a server sees it that is no member and holds no secret. */
import { decode, ownCopy } from "../codec/index.js";
import { TinyMlsError } from "../errors.js";
import { octets, publicGroupOptions, requireOptions, takes } from "./group/arguments.js";
import { settingsFrom, suiteFrom, type ClientOptions } from "./client-options.js";
import { FramingContext, openPublic, verifyMessage, type VerifiedMessage } from "./framing/index.js";
import { epochOf, type PublicEpoch } from "./group/epoch.js";
import { membersOf, type Member } from "./group/member.js";
import type { GroupPolicy } from "./group/policy.js";
import { ProposalCache } from "./group/proposal-cache.js";
import { commitOutcome, receiveProposal, stageMessage } from "./group/receive-public.js";
import { rejection, type Received } from "./group/received.js";
import { senderKeysOf } from "./group/sender-keys.js";
import { validateGroupInfo } from "./group/validate-group-info.js";
import {
  ContentType,
  MLSMessage,
  WireFormat,
  type Extension,
  type MLSMessage as Message,
  type PublicMessage,
} from "./objects/index.js";
import { refuse } from "./rules.js";
import type { CipherSuite } from "./suite/index.js";
import { Turns } from "./group/turns.js";

type Bytes = Uint8Array;

export interface PublicGroupOptions extends Pick<
  ClientOptions,
  "authentication" | "customProposals" | "maximumLifetimeMs" | "maximumProposals" | "now"
> {
  /** Where the GroupInfo does not hold it: the body of a ratchet_tree extension. */
  readonly ratchetTree?: Bytes | undefined;
}

/**
 * The same group seen by a server that is not a member: it validates proposals and commits that are sent as PublicMessages, and tracks
 * epoch and tree. What only members can check, membership and confirmation tags, is left to them; what is encrypted cannot be followed.
 */
export class PublicGroup {
  readonly #policy: GroupPolicy;
  readonly #turns = new Turns();
  #epoch: PublicEpoch;
  #proposals = new ProposalCache();

  private constructor(epoch: PublicEpoch, policy: GroupPolicy) {
    this.#epoch = epoch;
    this.#policy = policy;
  }

  /**
   * Starts from a GroupInfo (an MLSMessage), which is validated whole: signature, tree, credentials.
   * @throws TinyMlsError `missing` without a tree; `malformed`; `invalid` with the rule
   */
  static async fromGroupInfo(groupInfo: Bytes, options: PublicGroupOptions = {}): Promise<PublicGroup> {
    requireOptions("PublicGroup", options, publicGroupOptions);
    const message = decode(MLSMessage, ownCopy(groupInfo));
    if (message.wireFormat !== WireFormat.mlsGroupInfo) {
      throw new TinyMlsError("usage", "PublicGroup starts from a GroupInfo", {
        operation: "fromGroupInfo",
        component: "mls",
      });
    }
    const { policy } = settingsFrom({ ...options, identity: "server" });
    const suite = suiteFrom(message.groupInfo.groupContext.cipherSuite);
    const epoch = await validateGroupInfo(suite, message.groupInfo, options.ratchetTree, policy);
    return new PublicGroup(epoch, policy);
  }

  get groupId(): Buffer {
    return Buffer.from(this.#epoch.context.value.groupId);
  }
  get epoch(): bigint {
    return epochOf(this.#epoch);
  }
  get cipherSuite(): CipherSuite {
    return this.#epoch.suite.id;
  }
  get extensions(): readonly Extension[] {
    return this.#epoch.context.value.extensions;
  }
  /** RFC 9420 §7.8. */
  get treeHash(): Buffer {
    return Buffer.from(this.#epoch.context.value.treeHash);
  }

  /** @internal */
  get publicEpoch(): PublicEpoch {
    return this.#epoch;
  }

  /** From left to right in the tree. */
  members(): Member[] {
    return membersOf(this.#epoch.tree);
  }

  /** The body of a ratchet_tree extension, for those who join. */
  ratchetTree(): Buffer {
    return this.#epoch.tree.encode();
  }

  /**
   * Takes in a message of the group. What comes of it is told, never thrown. A server that lets a commit pass only when it comes out
   * as `commit` keeps members from commits that all of them would refuse.
   */
  async receiveMessage(message: Bytes): Promise<Received> {
    takes("receiveMessage", message, "message", octets);
    const own = ownCopy(message);
    return this.#turns.take(async () => {
      try {
        return await this.#receive(decode(MLSMessage, own), own);
      } catch (error) {
        return rejection(error);
      }
    });
  }

  async #receive(message: Message, bytes: Bytes): Promise<Received> {
    if (message.wireFormat === WireFormat.mlsPrivateMessage) {
      throw new TinyMlsError("undecryptable", "a server cannot read PrivateMessages", { component: "mls" });
    }
    if (message.wireFormat !== WireFormat.mlsPublicMessage) refuse("6/group-message");
    const framing = FramingContext.of(this.#epoch.suite, this.#epoch.context);
    const place = framing.place(message.publicMessage.content);
    if (place === "otherGroup") refuse("6/group-id");
    if (place !== "here") return { kind: place === "past" ? "stale" : "future" };
    return this.#receiveVerified(this.#verified(framing, message.publicMessage, bytes));
  }

  #verified(framing: FramingContext, publicMessage: PublicMessage, bytes: Bytes): VerifiedMessage {
    const keys = senderKeysOf(this.#epoch, this.#policy.customProposals);
    return verifyMessage(openPublic(framing, publicMessage, bytes, "observer", keys), keys);
  }

  async #receiveVerified(message: VerifiedMessage): Promise<Received> {
    if (this.#epoch.reinit !== undefined) refuse("11.2/reinitialized");
    const state = { epoch: this.#epoch, proposals: this.#proposals, policy: this.#policy };
    const { content } = message;
    if (content.contentType === ContentType.proposal) return receiveProposal(state, content, message, () => true);
    if (content.contentType !== ContentType.commit) refuse("6/application-private");
    const received = await stageMessage(state, content, message);
    if ("kind" in received) return received;
    this.#epoch = received.staged;
    this.#proposals = new ProposalCache();
    return commitOutcome(received.staged, content, false);
  }
}
