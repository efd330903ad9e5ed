// Run as a process of its own with --expose-gc: the memory of many idle Contexts, and of many operations.
import { Context } from "tinymls";

const rss = () => {
  globalThis.gc!();
  return process.memoryUsage().rss;
};

function idle(): number {
  const count = 100_000;
  new Context().close();
  const before = rss();
  const contexts = Array.from({ length: count }, () => new Context());
  const each = (rss() - before) / count;
  if (contexts.some(({ state }) => state !== "ready")) throw new Error("not idle");
  return each;
}

function operations(): number {
  const context = new Context({ maxOperations: 500_000, replayWindow: 1024 });
  const text = Buffer.alloc(64);
  const frame = Buffer.alloc(103);
  const back = Buffer.alloc(64);
  const run = (count: number) => {
    for (let i = 0; i < count; ++i) {
      context.encryptInto(text, frame);
      context.decryptInto(frame, back);
      if (i % 4096 === 0) {
        context.decrypt(context.encrypt("x"));
        try {
          context.decrypt(frame);
        } catch {
          // seen before
        }
      }
    }
  };
  run(500_000);
  const before = rss();
  run(5_000_000);
  const grown = rss() - before;
  context.close();
  return grown;
}

process.stdout.write(JSON.stringify(process.argv[2] === "idle" ? idle() : operations()));
