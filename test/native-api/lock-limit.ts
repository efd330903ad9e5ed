// A process of its own for lock-limit.test.ts, which limits the memory it may lock. Prints what it saw as JSON.
import { Context, TinyMlsError } from "tinymls";
import { capabilities, liveHandles, Secret, SecureBuffer, setStrictMemory } from "tinymls/crypto";

const limit = 256 * 1024;
const count = 2000;

function codeOf(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    return error instanceof TinyMlsError ? error.code : String(error);
  }
  return "none";
}

/** Until no memory is left for another one, or there are more than any limit of the test lets be locked. */
function fill<T>(make: () => T): T[] {
  const made: T[] = [];
  try {
    while (made.length < count) made.push(make());
  } catch {
    // refused: the caller looks at why
  }
  return made;
}
const secret = () => Secret.random(1024);
const unused = () => new Context();

function lenient() {
  const secrets = fill(secret);
  const context = new Context();
  const opened = context.decrypt(context.encrypt("beyond the limit")).toString() === "beyond the limit";
  const { unlockedBytes, lockedBytes } = capabilities().memory;
  context.close();
  for (const secret of secrets) secret.dispose();
  const { inUseBytes } = capabilities().memory;
  return {
    opened: opened && secrets.length === count,
    counted: unlockedBytes >= count * 1024 - limit,
    withinLimit: lockedBytes <= limit,
    emptied: inUseBytes < count * 1024,
  };
}

function strict() {
  const context = new Context();
  const frame = context.encrypt("before");
  const opens = () => context.decrypt(frame).toString() === "before";
  opens();
  setStrictMemory(true);
  const held = [fill(secret), fill(unused)];
  const state = () => JSON.stringify({ ...capabilities().memory, handles: liveHandles() });
  const before = state();
  const refusals = {
    secret: codeOf(secret),
    buffer: codeOf(() => new SecureBuffer(1024)),
    large: codeOf(() => Secret.random(300_000)),
    context: codeOf(unused),
  };
  return {
    refusals,
    unchanged: state() === before,
    stillOpens: opens(),
    filled: held.every(({ length }) => length < count),
    goesOn: (setStrictMemory(false), fill(secret).length === count),
  };
}

console.log(JSON.stringify(process.argv[2] === "strict" ? strict() : lenient()));
