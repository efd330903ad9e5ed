// The lines of one group: of a suite, a size and a shape of tree.
import { race } from "../race.mjs";
import { floor, floorOf, recipes } from "./floor.mjs";
import { lines, nameOf, presented } from "./lines.mjs";
import { populated } from "./populated.mjs";
import { strangers } from "./strangers.mjs";
import * as tinymls from "./tinymls.mjs";

/**
 * @param world `{ suite, members, populated, without }`: the last names the contenders that are left out, and why
 * @param {{ name: string, create: (world) => Promise<object> }[]} peers
 */
export async function measureGroup(world, peers, plan) {
  const begun = performance.now();
  const { contenders, close } = await gathered(world, [tinymls, ...peers]);
  const bare = recipes(world);
  const results = [];
  for (const [line, { unit }] of Object.entries(lines)) {
    if (!(line in contenders[0].lines)) continue;
    const racing = [
      ...contenders.map(({ name, lines }) => ({ name, ...lines[line] })),
      floorOf(world.suite, bare[line]),
    ];
    const times = await race(racing, plan);
    const names = contenders.slice(1).map(({ name }) => name);
    results.push(times.result(nameOf(line, world), tinymls.name, floor, names, presented(unit)));
  }
  await close();
  say(world, `${results.length} lines in ${Math.round((performance.now() - begun) / 1000)} s`);
  return results;
}

// Each contender in a group of its own, of the same size and shape. tinymls comes first.
async function gathered(world, kinds) {
  const shape = await shapeOf(world);
  const contenders = [];
  for (const { name, create } of kinds) {
    const reason = world.without?.[name];
    if (reason !== undefined) {
      say(world, `without ${name}: ${reason}`);
      continue;
    }
    try {
      const contender = await create(world);
      contenders.push({ name, contender, lines: await shape.enter(contender) });
    } catch (error) {
      if (name === tinymls.name) throw error;
      say(world, `without ${name}: ${error.message}`);
    }
  }
  shape.close();
  return { contenders, close: () => Promise.all(contenders.map(({ contender }) => contender.close())) };
}

/** A group of that shape, which contenders enter; `close` it then. */
export function shapeOf(world) {
  return world.populated ? grown(world) : added(world);
}

async function added({ suite, members }) {
  const others = await strangers(suite, members - 2);
  return { enter: (contender) => contender.flat(others), close() {} };
}

async function grown({ suite, members }) {
  const group = await populated(suite, members - 2);
  const enter = async (contender) => {
    const keyPackages = await contender.keyPackages();
    const [staying, passing] = [keyPackages.slice(0, 2), keyPackages.slice(2)];
    const { welcome } = await group.invite(staying, true);
    const { welcome: inline } = await group.invite(passing, true);
    const { welcome: apart, ratchetTree } = await group.invite(passing, false);
    return contender.enter({ welcome, inline, apart, ratchetTree });
  };
  return { enter, close: () => group.close() };
}

function say({ suite, members, populated }, what) {
  console.error(`mls: suite ${suite}, ${members} members, ${populated ? "populated" : "flat"}: ${what}`);
}
