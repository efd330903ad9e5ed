import type { Answer, Request } from "./protocol.js";

/** Who works on a storage, and is disturbed. */
export interface Subject {
  /** Whether the last disturbance came while the storage wrote. */
  readonly wasWriting: boolean;
  /** Whether a disturbance may bring the keys of messages back that were received. */
  readonly forgetsReceived: boolean;
  /** Goes on after a disturbance; resolves with what it found in the storage: "new", or "loaded" for the group with Bob. */
  start(): Promise<string>;
  ask(request: Request): Promise<Answer>;
  /** Disturbs it while it does what it is asked for; undefined where it did not answer before. */
  disturb(request: Request): Promise<Answer | undefined>;
  /** The same, with all of it asked for at once; resolves with the answers that came. */
  disturbAll(requests: readonly Request[]): Promise<Answer[]>;
  /** Disturbs it while it renews its hold on the group, and does nothing else. */
  disturbRenewal(): Promise<void>;
  /** Starts it anew and disturbs it meanwhile; whether it was not ready yet. */
  disturbStart(): Promise<boolean>;
  /** Ends it. */
  remove(): Promise<void>;
}
