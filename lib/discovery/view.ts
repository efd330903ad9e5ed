import { encode } from "../codec/index.js";
import { externalPubOf } from "../mls/group/group-extensions.js";
import type { PublicEpoch } from "../mls/group/epoch.js";
import { Group } from "../mls/group.js";
import { GroupContext } from "../mls/objects/index.js";
import type { DirectorySettings } from "./options.js";
import type { Publication, Publisher } from "./publication.js";

/** What a directory shows of a group. */
export interface DirectoryEntry {
  readonly groupId: Buffer;
  readonly epoch: bigint;
  /** The signed GroupInfo with the ratchet tree, an MLSMessage: for `client.joinExternal` and `PublicGroup.fromGroupInfo`. */
  readonly groupInfo: Buffer;
  /** Its credential is trusted, its signature verified. */
  readonly publisher: Publisher;
  /** How many the group has. */
  readonly members: number;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
  /** Whether it holds the key for external commits (RFC 9420 §12.4.3.2). */
  readonly allowsExternalCommit: boolean;
  /** Whether it agrees, confirmation tag included, with this very epoch of the group as it is known here. */
  readonly confirmed: boolean;
  /** Whether another publication that could be shown tells otherwise of the same epoch: the group has forked, or someone lies. */
  readonly contested: boolean;
}

/** Whether the publisher is one that the application trusts, at this moment. */
export async function isTrusted({ authentication, mayPublish }: DirectorySettings, publisher: Publisher) {
  const { credential, signatureKey } = publisher;
  return (await authentication.validateCredential(credential, signatureKey, "member")) && (await mayPublish(publisher));
}

/** Whether it expired so long ago that all which an honest member published before has expired too. */
export function isPast(
  { maximumLifetimeMs, clockToleranceMs }: DirectorySettings,
  now: number,
  lifetime: Ends,
): boolean {
  return endOf(lifetime) + maximumLifetimeMs + clockToleranceMs < now;
}

/**
 * Chooses what is shown of a group: the first of its publications that has begun, whose publisher is trusted and that does not
 * contradict what is known. An expired one is not shown, but still tells that those of earlier epochs are past.
 *
 * @param publications the greatest first
 */
export async function shownOf(
  settings: DirectorySettings,
  publications: readonly Publication[],
): Promise<DirectoryEntry | undefined> {
  const [first] = publications;
  if (first === undefined) return undefined;
  const now = settings.now();
  const known = knownEpoch(settings, first.publisher.groupId);
  const eligible: Publication[] = [];
  for (const publication of publications) {
    const [best] = eligible;
    if (best !== undefined && publication.publisher.epoch < best.publisher.epoch) break;
    if (isPast(settings, now, publication.lifetime)) continue;
    if (Number(publication.lifetime.notBefore) * 1000 - settings.clockToleranceMs > now) continue;
    if (known !== undefined && !suits(known, publication)) continue;
    if (await isTrusted(settings, publication.publisher)) eligible.push(publication);
  }
  const [best] = eligible;
  if (best === undefined || endOf(best.lifetime) + settings.clockToleranceMs < now) return undefined;
  return entryOf(best, known, eligible);
}

function knownEpoch({ known }: DirectorySettings, groupId: Buffer): PublicEpoch | undefined {
  const group = known(Buffer.from(groupId));
  return group === undefined || (group instanceof Group && group.isClosed) ? undefined : group.publicEpoch;
}

/** A newer epoch has to be told by a member of the known one, which a member that was removed in it is not. */
function suits(known: PublicEpoch, publication: Publication): boolean {
  const { epoch, signatureKey } = publication.publisher;
  if (epoch > known.context.value.epoch) return known.tree.memberWithSignatureKey(signatureKey) !== undefined;
  return agrees(known, publication);
}

function agrees(known: PublicEpoch, { groupInfo }: Publication): boolean {
  return (
    equal(encode(GroupContext, groupInfo.groupContext), known.context.bytes) &&
    equal(groupInfo.confirmationTag, known.confirmationTag)
  );
}

function entryOf(
  { bytes, publisher, members, lifetime, groupInfo }: Publication,
  known: PublicEpoch | undefined,
  eligible: readonly Publication[],
): DirectoryEntry {
  return {
    groupId: Buffer.from(publisher.groupId),
    epoch: publisher.epoch,
    groupInfo: Buffer.from(bytes),
    publisher,
    members,
    notBefore: Number(lifetime.notBefore) * 1000,
    notAfter: endOf(lifetime),
    allowsExternalCommit: externalPubOf(groupInfo.extensions) !== undefined,
    confirmed: known !== undefined && known.context.value.epoch === publisher.epoch,
    contested: eligible.some((other) => !equal(other.groupInfo.confirmationTag, groupInfo.confirmationTag)),
  };
}

type Ends = Publication["lifetime"];

function endOf({ notAfter }: Ends): number {
  return Number(notAfter) * 1000;
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
