// What the worker threads of threads.test.ts do.
import { parentPort, workerData } from "node:worker_threads";
import { Context, type ContextToken } from "tinymls";

export type Task =
  | { task: "count"; token: ContextToken; frames: number; used: SharedArrayBuffer }
  | { task: "work"; token: ContextToken }
  | { task: "open"; token: ContextToken; frame: Uint8Array }
  | { task: "close"; token: ContextToken };

const data = workerData as Task;
const context = Context.attach(data.token);
const tasks = { count, work, open, close };
tasks[data.task]();

// Seals and opens, and notes each sequence number in a bitmap that all threads share.
function count(): void {
  if (data.task !== "count") return;
  const used = new Int32Array(data.used);
  const text = Buffer.from("sixty-four octets of a message which several threads seal at once");
  const frame = Buffer.alloc(text.length + 39);
  const back = Buffer.alloc(text.length);
  let repeated = 0;
  let wrong = 0;
  for (let i = 0; i < data.frames; ++i) {
    context.encryptInto(text, frame);
    const sequence = frame.readUIntBE(17, 6);
    const bit = 1 << (sequence & 31);
    if (frame.readUInt32BE(1) !== 0 || sequence >= 32 * used.length) ++wrong;
    else if ((Atomics.or(used, sequence >> 5, bit) & bit) !== 0) ++repeated;
    context.decryptInto(frame, back);
    if ((i & 1023) === 0 && !back.equals(text)) ++wrong;
  }
  parentPort!.postMessage({ repeated, wrong, sample: Buffer.from(frame) });
}

// Keeps native calls of all kinds under way until someone ends the thread.
function work(): void {
  const text = Buffer.alloc(100_000, 1);
  const frame = Buffer.alloc(text.length + 39);
  const batch = Array.from({ length: 50 }, () => Buffer.alloc(1000));
  const again = (): void => {
    for (let i = 0; i < 20; ++i) {
      context.encryptInto(text, frame);
      context.decryptInto(frame, text);
    }
    context.encryptBatch(batch);
    void context.encryptAsync(text).catch(() => undefined);
    void context.processBatch(batch.map((plaintext) => ({ op: "encrypt", data: plaintext })));
    setImmediate(again);
  };
  parentPort!.postMessage("working");
  again();
}

function open(): void {
  if (data.task !== "open") return;
  const rotations: number[] = [];
  context.on("rotate", ({ epoch }) => rotations.push(epoch));
  const opened = context.decrypt(data.frame).toString();
  const epoch = context.rotateKey();
  parentPort!.postMessage({ opened, epoch, rotations, reply: context.encrypt("from the thread") });
}

function close(): void {
  context.close();
  parentPort!.postMessage(context.state);
}
