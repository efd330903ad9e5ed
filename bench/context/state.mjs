// What an epoch keeps, and what the next step of its ratchet costs.
import { addon, sound } from "../addon.mjs";
import { race } from "../race.mjs";

const stepsOfADay = 864_000; // of 100 ms
const ratchets = { "aes-ctr": 1, "hkdf-sha256": 2 };

export async function keyState(plan) {
  const contenders = Object.entries(ratchets).map(([name, id]) => {
    const index = sound(addon().ratchetCreate(id, stepsOfADay));
    return { name, index, run: (iterations) => void sound(addon().ratchetAdvance(index, iterations)) };
  });
  const times = await race(contenders, plan);
  const [{ index }] = contenders;
  const stride = plan.rounds > 2 ? 4999 : 499_979; // primes: all kinds of positions in the tree
  return [
    {
      name: "key state of one epoch, 100 ms x 24 h",
      value: sound(addon().ratchetLargestState(index, stride)),
      unit: "bytes",
      peers: { "every key kept": stepsOfADay * 32 },
    },
    {
      name: "the next step's key",
      value: times.of("aes-ctr") / 1000,
      unit: "us",
      peers: { "ratchet hkdf-sha256": (times.of("aes-ctr") * times.ratio("hkdf-sha256", "aes-ctr")) / 1000 },
    },
  ];
}
