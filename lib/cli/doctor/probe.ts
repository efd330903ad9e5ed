import { Context } from "../../context/index.js";
import { setStrictMemory } from "../../native/memory.js";
import { Secret } from "../../native/secret.js";

export { capabilities } from "../../native/capabilities.js";

/** Seals, opens, and forges; answers what went wrong. */
export function selfTest(): string | undefined {
  using context = new Context();
  const text = Buffer.from("self-test");
  const frame = context.encrypt(text);
  if (!context.decrypt(frame).equals(text)) return "a frame opened to another text";
  frame[frame.length - 1]! ^= 1;
  try {
    context.decrypt(frame);
  } catch {
    return undefined;
  }
  return "a forged frame was opened";
}

/** Whether secrets get locked memory where nothing else is accepted. */
export function canBeStrict(): boolean {
  setStrictMemory(true);
  try {
    Secret.random(32).dispose();
    return true;
  } catch {
    return false;
  } finally {
    setStrictMemory(false);
  }
}
