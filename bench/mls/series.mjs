// What the chart of groups draws: operations in a second, by line, of a large group.
import { nameOf } from "./lines.mjs";

const world = { suite: 1, members: 1000, populated: false };
const perSecond = { us: (time) => 1e6 / time, ms: (time) => 1e3 / time };
const bar = (line, label, unit = "ms") => ({ result: nameOf(line, world), label, scale: perSecond[unit] });

export const series = {
  title: "MLS: a group of 1,000 members, flat tree, suite 1",
  axis: "Operations in a second",
  groups: [
    bar("send", "send 256 B", "us"),
    bar("receive", "receive 256 B", "us"),
    bar("process", "process a commit"),
    bar("addOne", "add one"),
    bar("commit", "empty commit"),
    bar("join", "join"),
    bar("externalJoin", "external join"),
  ],
};
