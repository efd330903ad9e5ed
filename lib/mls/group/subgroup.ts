/** RFC 9420 §11.2, §11.3: beginning a group that follows another one. */
import { TinyMlsError } from "../../errors.js";
import { ProposalType, PSKType, type ResumptionPSKUsage, type Extension, type Lifetime } from "../objects/index.js";
import { pskNonce } from "../schedule/index.js";
import type { Suite } from "../suite/index.js";
import { buildCommit } from "./build-commit.js";
import { createCommit, type HandshakeFraming } from "./create-commit.js";
import { epochOf, type PublicEpoch } from "./epoch.js";
import { checkFollows } from "./followed-group.js";
import type { LeafIdentity } from "./key-package.js";
import { MemberState, type GroupEnvironment } from "./member-state.js";
import { createGroup } from "./new-group.js";

type Bytes = Uint8Array;

export interface SubgroupRequest {
  readonly suite: Suite;
  readonly groupId: Bytes;
  readonly extensions: readonly Extension[];
  /** Of all other members. */
  readonly keyPackages: readonly Bytes[];
  readonly usage: typeof ResumptionPSKUsage.reinit | typeof ResumptionPSKUsage.branch;
  /** The epoch of the group that it follows. */
  readonly former: PublicEpoch;
  readonly identity: LeafIdentity;
  readonly lifetime: Lifetime;
  readonly handshake: HandshakeFraming;
  readonly ratchetTree: boolean;
}

/** A group in epoch 1, and the Welcome for its other members. */
export interface StartedGroup {
  readonly state: MemberState;
  /** An MLSMessage; undefined when there are no others. */
  readonly welcome: Buffer | undefined;
}

/**
 * Creates the group and commits its members, with the resumption PSK that ties it to the former one. No one else is in it before,
 * so the commit is in effect at once.
 * @throws TinyMlsError `invalid` where a key package cannot be added, or the members are not those that they have to be
 */
export async function startFollowingGroup(
  environment: GroupEnvironment,
  request: SubgroupRequest,
): Promise<StartedGroup> {
  const { suite, groupId, extensions, identity, lifetime, usage, former } = request;
  const { retention, policy } = environment;
  const state = new MemberState(
    environment,
    createGroup({ suite, groupId, extensions, identity, lifetime, retention, now: policy.now }),
  );
  try {
    const { groupId: pskGroupId } = former.context.value;
    const psk = {
      pskType: PSKType.resumption,
      usage,
      pskGroupId,
      pskEpoch: epochOf(former),
      pskNonce: pskNonce(suite),
    };
    const built = await buildCommit(state, { add: request.keyPackages }, [{ proposalType: ProposalType.psk, psk }]);
    const [rejected] = built.plan.rejected;
    if (rejected !== undefined) {
      const { index, code, message, rule, section } = rejected;
      throw new TinyMlsError(code, `key package ${index}: ${message}`, {
        component: "mls",
        ...(rule !== undefined && { rule }),
        ...(section !== undefined && { section }),
      });
    }
    const created = await createCommit(state.epoch, environment, {
      ...built,
      forcePath: true,
      authenticatedData: new Uint8Array(0),
      framing: request.handshake,
      ratchetTreeInWelcome: request.ratchetTree,
      groupInfoExtensions: [],
      pskUsage: usage,
    });
    try {
      await checkFollows({ usage }, former, created.staged.next, policy);
    } catch (error) {
      created.staged.discard();
      throw error;
    }
    state.merge(created.staged);
    return { state, welcome: created.welcome };
  } catch (error) {
    state.dispose();
    throw error;
  }
}
