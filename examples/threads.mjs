// One Context in several threads: each worker seals, the main thread opens. `node examples/threads.mjs [threads] [frames]`
import { once } from "node:events";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { Context } from "tinymls";

if (isMainThread) await main(Number(process.argv[2] ?? 2), Number(process.argv[3] ?? 10_000));
else seal(workerData);

async function main(threads, frames) {
  const context = new Context();
  let opened = 0;
  const workers = Array.from({ length: threads }, () => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { token: context.share(), frames } });
    worker.on("message", (batch) => {
      for (const frame of batch) if (context.decrypt(frame).length > 0) opened++;
    });
    return once(worker, "exit");
  });
  await Promise.all(workers);
  console.log(`${threads} threads sealed, ${opened} frames opened`);
  context.close();
}

function seal({ token, frames }) {
  const context = Context.attach(token);
  for (let first = 0; first < frames; first += 1000) {
    const texts = Array.from({ length: Math.min(1000, frames - first) }, (_, i) => Buffer.from(`message ${first + i}`));
    parentPort.postMessage(context.encryptBatch(texts));
  }
  context.detach();
}
