// The bench of Context, from one message to 100,000 idle Contexts.
import { idleContexts } from "./memory.mjs";
import { largerMessages, openingSmall, smallMessages } from "./messages.mjs";
import { keyState } from "./state.mjs";
import { twoThreads } from "./threads.mjs";

export { series } from "./series.mjs";
export { targets } from "./targets.mjs";

/** @type {Array<(plan: typeof import("../race.mjs").full) => unknown>} */
export const measures = [smallMessages, openingSmall, largerMessages, twoThreads, keyState, idleContexts];
