import type { PaddingPolicy } from "./framing/index.js";
import type { ReInitOptions } from "./group/asked-proposals.js";
import type { HandshakeFraming } from "./group/create-commit.js";
import type { Group } from "./group.js";
import type { ResumptionPSKUsage } from "./objects/index.js";

type Bytes = Uint8Array;

/** How a group sends. */
export interface SendPolicy {
  readonly handshake: HandshakeFraming;
  readonly padding: PaddingPolicy;
}

/** A group that was begun at once with all its members, and the Welcome for the others. */
export interface BegunGroup {
  readonly group: Group;
  /** An MLSMessage; undefined when there are no others. */
  readonly welcome: Buffer | undefined;
}

/** A group to be begun that follows another one. */
export interface Beginning {
  readonly former: Group;
  readonly wanted: ReInitOptions;
  readonly keyPackages: readonly Bytes[];
  readonly usage: typeof ResumptionPSKUsage.reinit | typeof ResumptionPSKUsage.branch;
  readonly ratchetTree: boolean;
  /** How the former group sends, and the new one will. */
  readonly send: SendPolicy;
}

/** What a group has of its client. */
export interface GroupHost {
  begin(beginning: Beginning): Promise<BegunGroup>;
  /** The group is over for this client. */
  forget(): void;
}
