/** RFC 9420 §6: what the framing of every message of one epoch has in common. */
import { lengthHeader, vectorSize, type Encoded } from "../../codec/index.js";
import { TinyMlsError } from "../../errors.js";
import { SenderType, type GroupContext } from "../objects/index.js";
import type { Suite } from "../suite/index.js";

type Bytes = Uint8Array;

const empty = new Uint8Array(0);

/** Where a GroupContext has them: behind `version` and `cipher_suite` (§8.1). */
const addressAt = 4;
const epochLength = 8;

/** Where a message belongs, seen from an epoch. */
export type Place = "here" | "past" | "future" | "otherGroup";

/** One epoch of one group, as messages name and sign it. One object serves all messages of the epoch. */
export class FramingContext {
  readonly suite: Suite;
  readonly groupId: Bytes;
  readonly epoch: bigint;
  /** The encoded GroupContext; undefined for one who is outside of the group and does not know it. */
  readonly groupContext: Bytes | undefined;
  /** `group_id<V>`, then `epoch`, as they stand at the head of every struct of §6. */
  readonly address: Bytes;

  constructor(
    suite: Suite,
    groupId: Bytes,
    epoch: bigint,
    groupContext?: Bytes,
    address: Bytes = addressOf(groupId, epoch),
  ) {
    this.suite = suite;
    this.groupId = groupId;
    this.epoch = epoch;
    this.groupContext = groupContext;
    this.address = address;
  }

  /** The epoch that a member has in a GroupContext. */
  static of(suite: Suite, context: Encoded<GroupContext>): FramingContext {
    const { value, bytes } = context;
    const { groupId, epoch } = value;
    // A part of the same octets: of many groups in turn, each piece of memory on its own comes late.
    const address = bytes.subarray(addressAt, addressAt + vectorSize(groupId.byteLength) + epochLength);
    return new FramingContext(suite, groupId, epoch, bytes, address);
  }

  /** Whether a message is of this group and epoch. Only those that are `here` can be opened with this epoch's keys. */
  place({ groupId, epoch }: { readonly groupId: Bytes; readonly epoch: bigint }): Place {
    if (groupId !== this.groupId && Buffer.compare(groupId, this.groupId) !== 0) return "otherGroup";
    return epoch === this.epoch ? "here" : epoch < this.epoch ? "past" : "future";
  }

  /** @throws TinyMlsError `usage`: the caller did not look at {@link place}. */
  requireHere(message: { readonly groupId: Bytes; readonly epoch: bigint }): void {
    const place = this.place(message);
    if (place !== "here") throw new TinyMlsError("usage", `the message is of ${place}`, { component: "mls" });
  }

  /** RFC 9420 §6.1: the end of FramedContentTBS. */
  signedContext(senderType: SenderType): Bytes {
    if (senderType !== SenderType.member && senderType !== SenderType.newMemberCommit) return empty;
    if (this.groupContext !== undefined) return this.groupContext;
    throw new TinyMlsError("usage", "messages of members are signed with the GroupContext", { component: "mls" });
  }
}

function addressOf(groupId: Bytes, epoch: bigint): Buffer {
  const number = Buffer.alloc(epochLength);
  number.writeBigUInt64BE(epoch);
  return Buffer.concat([lengthHeader(groupId.byteLength), groupId, number]);
}
