// The lines of one group: of a suite, a size and a shape of tree.
import { race } from "../race.mjs";
import { floor, floorOf, recipes } from "./floor.mjs";
import { lines, nameOf, presented } from "./lines.mjs";
import { strangers } from "./strangers.mjs";
import * as tinymls from "./tinymls.mjs";
import * as tsMls from "./ts-mls.mjs";

/** @param world `{ suite, members, populated }` */
export async function measureGroup(world, plan) {
  const begun = performance.now();
  const others = await strangers(world.suite, world.members - 2);
  const contenders = [];
  for (const peer of [tinymls, tsMls]) {
    const contender = await peer.create(world);
    contenders.push({ name: peer.name, contender, lines: await contender.flat(others) });
  }
  const bare = recipes(world);
  bare.joinApart = bare.join;
  const results = [];
  for (const [line, { unit }] of Object.entries(lines)) {
    const racing = contenders.filter(({ lines }) => line in lines);
    if (racing[0]?.name !== tinymls.name) continue;
    const times = await race(
      [...racing.map(({ name, lines }) => ({ name, ...lines[line] })), floorOf(world.suite, bare[line])],
      plan,
    );
    const peers = racing.slice(1).map(({ name }) => name);
    results.push(times.result(nameOf(line, world), tinymls.name, floor, peers, presented(unit)));
  }
  for (const { contender } of contenders) await contender.close();
  progress(world, begun);
  return results;
}

function progress({ suite, members, populated }, begun) {
  const seconds = Math.round((performance.now() - begun) / 1000);
  console.error(`suite ${suite}, ${members} members, ${populated ? "populated" : "flat"}: done in ${seconds} s`);
}
