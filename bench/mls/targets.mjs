// What groups promise. `cores`: what runs in the native pool is held to the floor of one core divided by them.
import { availableParallelism } from "node:os";
import { batchLine, single } from "./batch.mjs";
import { nameOf } from "./lines.mjs";
import { delayLine, roundRobinLine } from "./many-groups.mjs";
import { memoryLine } from "./memory.mjs";
import { mlsRsOpenssl } from "./rust-peers.mjs";
import * as tsMls from "./ts-mls.mjs";
import { worlds } from "./worlds.mjs";

const cores = availableParallelism();
const against = tsMls.name;
const firstSuite = worlds.filter(({ suite }) => suite === 1);
const flat = (members) => ({ suite: 1, members, populated: false });
const populated = (members) => ({ suite: 1, members, populated: true });

export const targets = [
  ...firstSuite.flatMap((world) => [
    { name: nameOf("send", world), against: "floor", times: 1 / 1.3 },
    { name: nameOf("send", world), against, times: 30 },
    { name: nameOf("receive", world), against: "floor", times: 1 / 1.25 },
    { name: nameOf("receive", world), against, times: 8 },
  ]),
  { name: batchLine, against: single, times: 0.9 * cores },
  { name: nameOf("commit", flat(1000)), against: "floor", times: cores / 1.2 },
  { name: nameOf("commit", flat(1000)), against, times: 12 },
  { name: nameOf("process", flat(1000)), atMost: 1.5 },
  { name: nameOf("process", flat(1000)), against, times: 15 },
  { name: nameOf("join", flat(1000)), against: "floor", times: cores / 1.3 },
  { name: nameOf("join", flat(1000)), against, times: 6 },
  { name: nameOf("join", flat(10_000)), than: nameOf("join", flat(1000)), atMostTimes: 11 },
  { name: nameOf("process", populated(10_000)), than: nameOf("process", populated(1000)), atMostTimes: 2 },
  { name: memoryLine, atMost: 30 },
  { name: roundRobinLine, against: "floor", times: 1 / 1.3 },
  { name: delayLine, atMost: 20 },
  { every: true, against: mlsRsOpenssl, times: 1 },
];
