// What groups promise. `cores`: what runs in the native pool is held to the floor of one core divided by them.
import { availableParallelism } from "node:os";
import { nameOf } from "./lines.mjs";
import * as tsMls from "./ts-mls.mjs";
import { worlds } from "./worlds.mjs";

const cores = availableParallelism();
const against = tsMls.name;
const firstSuite = worlds.filter(({ suite }) => suite === 1);
const thousand = { suite: 1, members: 1000, populated: false };

export const targets = [
  ...firstSuite.flatMap((world) => [
    { name: nameOf("send", world), against: "floor", times: 1 / 1.3 },
    { name: nameOf("send", world), against, times: 30 },
    { name: nameOf("receive", world), against: "floor", times: 1 / 1.25 },
    { name: nameOf("receive", world), against, times: 8 },
  ]),
  { name: nameOf("commit", thousand), against: "floor", times: cores / 1.2 },
  { name: nameOf("commit", thousand), against, times: 12 },
  { name: nameOf("process", thousand), atMost: 1.5 },
  { name: nameOf("process", thousand), against, times: 15 },
  { name: nameOf("join", thousand), against: "floor", times: cores / 1.3 },
  { name: nameOf("join", thousand), against, times: 6 },
];
