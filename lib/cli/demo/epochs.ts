import { setTimeout as wait } from "node:timers/promises";
import { Context } from "../../context/index.js";
import { headerOf } from "./frames.js";
import { refusal } from "./refusal.js";
import { sample } from "./input.js";
import type { Part } from "./stage.js";

const ratchetPeriod = 25;
const stateLifetime = 1500;

/** The two time scales: steps of the ratchet, epochs of rotation; and what is erased stays closed. */
export const epochs: Part = {
  title: "Ratchet, rotation, expiry",
  async run(stage) {
    using context = new Context({ ratchetPeriod, stateLifetime, gcInterval: 50, maxKeyAge: 60_000 });
    const rotated: number[] = [];
    context.on("rotate", ({ epoch }) => rotated.push(epoch));
    const text = sample(stage.input, 1000);
    const frames: Buffer[] = [];
    for (let i = 0; i < 6; ++i) {
      frames.push(context.encrypt(text));
      if (i === 2) context.rotateKey();
      if (i < 5) await wait(ratchetPeriod);
    }
    const places = frames.map(headerOf);
    stage.check(
      "each moment has a key of its own",
      new Set(places.map(({ epoch, step }) => `${epoch}/${step}`)).size >= 5,
      `epoch/step ${places.map(({ epoch, step }) => `${epoch}/${step}`).join(" ")}`,
    );
    stage.check("rotation opened the next epoch", rotated.includes(1) && context.epoch >= 1, `epoch ${context.epoch}`);
    const all = frames.every((frame) => context.decrypt(frame).equals(text));
    stage.check("frames of both epochs open while they are retained", all);

    const before = context.metrics();
    stage.say(`${before.retainedSteps} steps can be opened, out of ${before.stateBytes} octets of state`);
    await wait(stateLifetime + 3 * ratchetPeriod);
    const refusals = frames.map((frame) => refusal(() => context.decrypt(frame)));
    stage.check(
      "once erased, no frame opens, with the keys at hand",
      refusals.every((code) => code === "expired"),
      refusals[0],
    );
    stage.check("and sealing goes on", context.decrypt(context.encrypt(text)).equals(text), `epoch ${context.epoch}`);
  },
};
