// The bench of groups: what MLS costs, by size of the group and shape of its tree.
import { measureGroup } from "./group.mjs";
import { worlds } from "./worlds.mjs";

export { series } from "./series.mjs";
export { targets } from "./targets.mjs";

/** @type {Array<(plan: typeof import("../race.mjs").full) => unknown>} */
export const measures = worlds.map((world) => (plan) => {
  const full = plan.rounds > 2;
  if (!(plan.members?.includes(world.members) ?? (full || world.quick))) return [];
  return measureGroup(world, full ? { rounds: 7, passes: 5, slice: 2, warm: 20, budget: 2500 } : plan);
});
