/** RFC 9420 §11.2, §11.3: whether a group is what the one that it follows says it should be. */
import { encode, vector } from "../../codec/index.js";
import { TinyMlsError } from "../../errors.js";
import { Extension, ResumptionPSKUsage, type Credential } from "../objects/index.js";
import { refuse } from "../rules.js";
import type { RatchetTree } from "../tree/index.js";
import { identityOf } from "./authentication.js";
import { epochOf, type PublicEpoch } from "./epoch.js";
import type { ResumptionPsk } from "./join.js";
import type { MemberState } from "./member-state.js";
import type { GroupPolicy } from "./policy.js";

const extensions = vector(Extension);

/**
 * A joiner's check: whether `epoch` may follow what the PSK names.
 * @param former the group that the PSK names, of which the client has the PSK
 * @throws TinyMlsError `invalid` with the rule; `missing` where the epoch of that group is not kept and its members are not known
 */
export async function checkOrigin(
  psk: ResumptionPsk,
  former: MemberState | undefined,
  epoch: PublicEpoch,
  policy: GroupPolicy,
): Promise<void> {
  if (former === undefined) throw unknownOrigin();
  if (psk.pskEpoch === epochOf(former.epoch)) return checkFollows(psk, former.epoch, epoch, policy);
  // A commit came after, as none does after a ReInit.
  if (psk.usage === ResumptionPSKUsage.reinit) refuse("11.2/epoch");
  const tree = former.past.get(psk.pskEpoch)?.tree;
  if (tree === undefined) throw unknownOrigin();
  return checkFollows(psk, { ...former.epoch, tree }, epoch, policy);
}

function unknownOrigin(): TinyMlsError {
  return new TinyMlsError("missing", "the epoch that the new group follows is not kept", {
    operation: "joinGroup",
    component: "mls",
    retryable: false,
  });
}

/**
 * @param former the epoch of the earlier group that the PSK comes from
 * @throws TinyMlsError `invalid` with the rule
 */
export async function checkFollows(
  { usage }: Pick<ResumptionPsk, "usage">,
  former: PublicEpoch,
  epoch: PublicEpoch,
  policy: GroupPolicy,
): Promise<void> {
  if (epoch.context.value.epoch !== 1n) refuse("12.4.3.1/origin-epoch");
  if (usage === ResumptionPSKUsage.reinit) {
    checkReInit(former, epoch);
    await checkMembers("11.2/members", former.tree, epoch.tree, policy);
  } else {
    checkBranch(former, epoch);
    await checkMembers("11.3/members", epoch.tree, former.tree, policy);
  }
}

function checkReInit({ reinit }: PublicEpoch, { context: { value } }: PublicEpoch): void {
  if (reinit === undefined) refuse("11.2/epoch", "the group is not reinitialized");
  const same =
    Buffer.compare(reinit.groupId, value.groupId) === 0 &&
    reinit.version === value.version &&
    reinit.cipherSuite === value.cipherSuite &&
    encode(extensions, reinit.extensions).equals(encode(extensions, value.extensions));
  if (!same) refuse("11.2/parameters");
}

function checkBranch(former: PublicEpoch, { context: { value } }: PublicEpoch): void {
  const { version, cipherSuite } = former.context.value;
  if (version !== value.version || cipherSuite !== value.cipherSuite) refuse("11.3/parameters");
}

/** Each of `some` is one of `all`, as the application sees it. Equal identities are found without a search. */
async function checkMembers(
  rule: "11.2/members" | "11.3/members",
  some: RatchetTree,
  all: RatchetTree,
  { authentication }: GroupPolicy,
): Promise<void> {
  const unused = new Map<string, Credential[]>();
  for (const [, leaf] of all.members()) {
    const { credential } = leaf.decode();
    const key = presented(credential);
    const same = unused.get(key);
    if (same === undefined) unused.set(key, [credential]);
    else same.push(credential);
  }
  for (const [leafIndex, leaf] of some.members()) {
    const { credential } = leaf.decode();
    if (unused.get(presented(credential))?.pop() !== undefined) continue;
    if (!(await isKnown(credential, unused, authentication))) refuse(rule, `leaf ${leafIndex}`);
  }
}

function presented(credential: Credential): string {
  return `${credential.credentialType}:${identityOf(credential).toString("hex")}`;
}

async function isKnown(
  credential: Credential,
  unused: ReadonlyMap<string, Credential[]>,
  authentication: GroupPolicy["authentication"],
): Promise<boolean> {
  if (authentication.isSameClient === undefined) return false;
  for (const credentials of unused.values()) {
    for (const other of credentials) if (await authentication.isSameClient(credential, other)) return true;
  }
  return false;
}
