import { measureAll, peer, table } from "../bench/measure.js";
import { count } from "../table.js";
import type { Part } from "./stage.js";

/** Figures of this machine, against node:crypto in the same run. */
export const speed: Part = {
  title: `Speed against ${peer}`,
  async run(stage) {
    const measures = await measureAll(3);
    for (const line of table(measures)) stage.say(line);
    for (const { name, value, unit, peers } of measures) {
      stage.figure(name, `${count(value)} ${unit}, ${(value / peers[peer]!).toFixed(1)}x ${peer}`);
    }
  },
};
