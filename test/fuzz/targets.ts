import { decodeTarget } from "./decode-target.js";
import type { Target } from "./engine.js";
import { receiveTarget } from "./receive-target.js";

/** All that can be fuzzed in JavaScript. */
export const targets: readonly Target[] = [decodeTarget, receiveTarget];
