import { collectedHandles, liveHandles } from "tinymls/crypto";

/**
 * The handles that were made and never disposed of: a count that no run of the garbage collector changes, so that tests compare it
 * exactly, asynchronous ones too.
 */
export const heldHandles = (): number => liveHandles() + collectedHandles();
