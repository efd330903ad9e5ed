import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

/** Collects garbage and runs finalizers until `done`, or for two seconds. */
export async function collect(done: () => boolean): Promise<void> {
  const end = Date.now() + 2000;
  do {
    gc();
    await new Promise((next) => setTimeout(next, 5));
  } while (!done() && Date.now() < end);
}
