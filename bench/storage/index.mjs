// The bench of state that outlives a process: messages and commits of groups, loading, sealed records, fleets.
import { fleets } from "./fleets.mjs";
import { loading, octetsWritten, received, sent } from "./groups.mjs";
import { endPostgres } from "./postgres.mjs";
import { records } from "./records.mjs";

export { targets } from "./targets.mjs";

/** @type {Array<(plan: typeof import("../race.mjs").full) => unknown>} */
export const measures = [
  records,
  sent,
  received,
  octetsWritten,
  loading,
  fleets,
  async () => {
    await endPostgres();
    return [];
  },
];
