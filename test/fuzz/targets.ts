import { decodeTarget } from "./decode-target.js";
import type { Target } from "./engine.js";

/** All that can be fuzzed in JavaScript. */
export const targets: readonly Target[] = [decodeTarget];
