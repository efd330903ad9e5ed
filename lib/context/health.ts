import type { TinyMlsError } from "../errors.js";
import type { ContextMetrics } from "./metrics.js";

export type ContextState = "ready" | "processing" | "rotating" | "error" | "closed";

export interface ContextHealth {
  /** `degraded`: it works, but its secrets are not all in locked memory, or its last operation of its own accord failed. */
  readonly status: "ok" | "degraded" | "error" | "closed";
  readonly state: ContextState;
  readonly uptimeMs: number;
  /** Frames sealed and opened. */
  readonly operations: number;
  readonly epoch: number;
  /** The last refusal or failure, of any operation of this thread. */
  readonly lastError?: TinyMlsError;
  /** All memory for secrets of this process is locked. */
  readonly lockedMemory: boolean;
}

/** @param troubled the last work of the Context's own accord failed */
export function healthOf(
  { closed, sealed, opened, uptimeMs, epoch, unlockedBytes }: ContextMetrics,
  state: ContextState,
  troubled: boolean,
  lastError: TinyMlsError | undefined,
): ContextHealth {
  const lockedMemory = unlockedBytes === 0;
  const working = troubled || !lockedMemory ? "degraded" : "ok";
  return {
    status: closed ? (lastError?.fatal === true ? "error" : "closed") : working,
    state,
    uptimeMs,
    operations: sealed.operations + opened.operations,
    epoch,
    ...(lastError && { lastError }),
    lockedMemory,
  };
}
