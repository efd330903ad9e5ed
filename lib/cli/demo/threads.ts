import { Worker } from "node:worker_threads";
import { Context } from "../../context/index.js";
import { count } from "../table.js";
import { headerOf } from "./frames.js";
import { sample } from "./input.js";
import type { Part, Stage } from "./stage.js";
import { exchange, type Request, type Tally } from "./threads-work.js";

const messageSize = 256;

/** Two threads seal and open through one Context, live, and open each other's frames, while the key is rotated. */
export const threads: Part = {
  title: "One Context, two threads",
  async run(stage) {
    using context = new Context({ ratchetPeriod: 50, name: "shared" });
    const text = sample(stage.input, messageSize * 64);
    const worker = new Worker(new URL("./threads-work.js", import.meta.url), {
      workerData: { token: context.share(), text },
    });
    try {
      await live(stage, context, text, worker);
    } finally {
      await worker.terminate();
    }
  },
};

async function live(stage: Stage, context: Context, text: Buffer, worker: Worker): Promise<void> {
  const ask = asker(worker);
  const own: Tally = { sealed: 0, opened: 0, wrong: 0 };
  let other: Tally = { sealed: 0, opened: 0, wrong: 0 };
  const headers = new Set<string>();
  let exchanged = 0;
  const note = (frames: readonly Buffer[]) => {
    exchanged += frames.length;
    for (const frame of frames) headers.add(JSON.stringify(headerOf(frame)));
  };

  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  let mine: Buffer[] = [];
  let rotateAt = 0.4;
  // Both work at the same time; between the turns they swap frames, so that each opens what the other sealed.
  while (elapsed() < stage.seconds) {
    const answered = ask({ frames: mine });
    const theirs = exchange(context, text, [], own);
    mine = theirs.frames;
    note(mine);
    const answer = await answered;
    note(answer.frames);
    openAll(context, answer.frames, text, own);
    other = answer.tally;
    if (elapsed() > rotateAt) {
      context.rotateKey();
      rotateAt += 0.4;
    }
    const done = own.sealed + own.opened + other.sealed + other.opened;
    stage.progress(
      `${elapsed().toFixed(1)} of ${stage.seconds} s, epoch ${context.epoch}, ${count(done)} messages, ${count(done / elapsed())}/s`,
    );
  }
  const seconds = elapsed();
  const { sealed, opened, failures, threads: holders, rotations } = context.metrics();
  const total = own.sealed + other.sealed;
  stage.check(
    "both threads sealed and opened",
    own.sealed > 0 && other.sealed > 0 && own.opened > 0 && other.opened > 0,
    `${count(own.sealed)} and ${count(other.sealed)} sealed`,
  );
  stage.check(
    "every message came back as it was",
    own.wrong + other.wrong === 0,
    `${count(own.opened + other.opened)} opened`,
  );
  stage.check("no header, and so no nonce, twice", headers.size === exchanged, `${count(exchanged)} frames swapped`);
  stage.check(
    "one state: the counters of both are in one",
    sealed.operations === total && holders === 2,
    `${count(sealed.operations)} sealed by ${holders} threads`,
  );
  stage.check(
    "keys were rotated meanwhile",
    rotations > 0 && failures.expired + failures.undecryptable === 0,
    `${rotations} times`,
  );
  stage.figure(
    `messages of ${messageSize} B, two threads`,
    `${count((sealed.operations + opened.operations) / seconds)}/s`,
  );
}

function openAll(context: Context, frames: readonly Buffer[], text: Buffer, tally: Tally): void {
  for (const [i, frame] of frames.entries()) {
    const at = (i * messageSize) % text.length;
    if (!context.decrypt(frame).equals(text.subarray(at, at + messageSize))) ++tally.wrong;
    ++tally.opened;
  }
}

interface Answer {
  readonly frames: Buffer[];
  readonly tally: Tally;
}

function asker(worker: Worker): (request: Request) => Promise<Answer> {
  return (request) =>
    new Promise((resolve, reject) => {
      worker.once("error", reject);
      worker.once("message", ({ frames, tally }: { frames: Uint8Array[]; tally: Tally }) => {
        worker.off("error", reject);
        resolve({
          frames: frames.map((frame) => Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)),
          tally,
        });
      });
      worker.postMessage(request);
    });
}
