// The memory of idle Contexts, native and JavaScript together: what the process grows by, in a process of its own.
import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const self = fileURLToPath(import.meta.url);

export function idleContexts(plan) {
  const count = plan.rounds > 2 ? 100_000 : 1000;
  const output = execFileSync(process.execPath, ["--expose-gc", self, String(count)], { encoding: "utf8" });
  const { fresh, heap, used } = JSON.parse(output);
  return [
    {
      name: "memory of an idle Context, of 100,000",
      value: fresh,
      unit: "bytes",
      peers: { "of it JavaScript": heap, "having sealed once": used },
    },
  ];
}

async function measure(count) {
  const { Context } = await import("tinymls");
  const warm = Array.from({ length: 10 }, () => new Context());
  for (const context of warm) context.close();
  const contexts = new Array(count).fill(undefined);
  await settled();
  const before = process.memoryUsage();
  for (let i = 0; i < count; ++i) contexts[i] = new Context({ gcInterval: 1000 });
  await settled();
  const idle = process.memoryUsage();
  const plaintext = Buffer.alloc(64);
  const out = Buffer.alloc(128);
  for (const context of contexts) context.encryptInto(plaintext, out);
  await sleep(3000); // two looks of the timer: a Context that nobody uses drops what it can derive again
  await settled();
  const used = process.memoryUsage();
  const each = (after) => Math.round((after.rss - before.rss) / count);
  console.log(
    JSON.stringify({
      fresh: each(idle),
      heap: Math.round((idle.heapUsed - before.heapUsed) / count),
      used: each(used),
    }),
  );
  for (const context of contexts) context.close();
}

async function settled() {
  for (let i = 0; i < 3; ++i) {
    globalThis.gc();
    await sleep(10);
  }
}

if (process.argv[1] === self) await measure(Number(process.argv[2]));
