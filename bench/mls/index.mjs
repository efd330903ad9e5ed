// The bench of groups: what MLS costs, by size of the group and shape of its tree.
import { batches } from "./batch.mjs";
import { measureGroup } from "./group.mjs";
import { manyGroups } from "./many-groups.mjs";
import { largeGroup } from "./memory.mjs";
import { rustPeers } from "./rust-peers.mjs";
import { storedAlone } from "./stored.mjs";
import * as tsMls from "./ts-mls.mjs";
import { worlds } from "./worlds.mjs";

export { series } from "./series.mjs";
export { targets } from "./targets.mjs";

let found;

function peersOf(full) {
  if (found === undefined) {
    const { peers, missing } = rustPeers(full);
    if (missing !== undefined) console.error(`mls: without ${missing}`);
    found = [tsMls, ...peers];
  }
  return found;
}

// V8 compiles an operation that takes a millisecond to the end when it ran several hundred times, and what runs for each
// member when there were ten thousands of members.
const pace = { rounds: 21, passes: 5, slice: 2, warm: 1500, budget: 4000 };

/** @type {Array<(plan: typeof import("../race.mjs").full) => unknown>} */
export const measures = [
  ...worlds.map((world) => (plan) => {
    const full = plan.rounds > 2;
    if (!(plan.members?.includes(world.members) ?? (full || world.quick))) return [];
    return measureGroup(world, peersOf(full), full ? pace : plan);
  }),
  ...[storedAlone, batches, manyGroups, largeGroup].map((measure) => (plan) => {
    if (plan.members !== undefined) return [];
    return measure(plan.rounds > 2 ? pace : plan);
  }),
];
