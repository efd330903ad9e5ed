import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

/** Collects garbage once. */
export function collectNow(): void {
  gc();
}

/** Collects garbage once and lets finalizers run. */
export async function collectOnce(): Promise<void> {
  gc();
  await new Promise((next) => setTimeout(next, 5));
}

/** Collects garbage and runs finalizers until `done`, or for so many milliseconds. */
export async function collect(done: () => boolean, milliseconds = 2000): Promise<void> {
  const end = Date.now() + milliseconds;
  do await collectOnce();
  while (!done() && Date.now() < end);
}
