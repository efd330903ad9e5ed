import { epochs } from "./epochs.js";
import { files } from "./files.js";
import { groups } from "./groups/scenario.js";
import { speed } from "./speed.js";
import type { Part } from "./stage.js";
import { tampering } from "./tampering.js";
import { threads } from "./threads.js";

/** The parts of the demo, in their order. */
export const parts: readonly Part[] = [groups, files, epochs, threads, tampering, speed];
