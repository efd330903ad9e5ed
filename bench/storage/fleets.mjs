// A fleet: joining it, and beginning an epoch for all.
import { Context } from "tinymls";
import { median } from "../race.mjs";
import { storageKey, stores } from "./stores.mjs";

export async function fleets(plan) {
  const times = plan.rounds > 2 ? 50 : 2;
  const measured = [];
  for (const { name, open } of await stores()) {
    const storage = await open();
    const options = { storage, name: "bench", storageKey };
    const first = await Context.open(options);
    const line = async (title, operation) => {
      const spent = [];
      for (let i = 0; i < times; ++i) {
        const start = performance.now();
        await operation();
        spent.push(performance.now() - start);
      }
      measured.push({ name: `${title}, ${name}`, value: median(spent), unit: "ms", peers: {} });
    };
    await line("join a fleet", async () => (await Context.open(options)).close());
    await line("rotate a fleet", () => first.rotate());
    first.close();
    await storage.close();
  }
  return measured;
}
