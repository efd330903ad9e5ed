// One line of tinymls alone, again and again, for a profiler:
//   node --cpu-prof bench/mls/profile.mjs join 100
//   perf record -g node --perf-basic-prof bench/mls/profile.mjs load 10 populated
// LINE MEMBERS [flat | populated] [SUITE] [SECONDS]
import { shapeOf } from "./group.mjs";
import { lines } from "./lines.mjs";
import * as tinymls from "./tinymls.mjs";

const [line, members, shape = "flat", suite = "1", seconds = "10"] = process.argv.slice(2);
const world = { suite: Number(suite), members: Number(members), populated: shape === "populated" };
if (!(line in lines) || !Number.isInteger(world.members) || world.members < 2) {
  console.error(`Usage: node bench/mls/profile.mjs LINE MEMBERS [flat | populated] [SUITE] [SECONDS]
LINE: ${Object.keys(lines).join(", ")}`);
  process.exit(2);
}

const group = await shapeOf(world);
const contender = await tinymls.create(world);
const contenders = await group.enter(contender);
group.close();
if (!(line in contenders)) {
  console.error(`a group of this size and shape has no line ${line}: ${Object.keys(contenders).join(", ")}`);
  process.exit(2);
}
const { prepare, run } = contenders[line];

const turn = 20;
let spent = 0;
let runs = 0;
const begun = performance.now();
for (let warm = false; performance.now() - begun < seconds * 1000;) {
  await new Promise(setImmediate); // as in a server: what the collector found is let go of in a turn of the event loop
  await prepare?.(turn);
  const start = performance.now();
  await run(turn);
  if (warm) {
    spent += performance.now() - start;
    runs += turn;
  }
  warm ||= performance.now() - begun > 1500;
}
console.log(`${lines[line].title}: ${((spent * 1000) / runs).toFixed(1)} us`);
await contender.close();
