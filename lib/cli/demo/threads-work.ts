import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { Context, FRAME_OVERHEAD, type ContextToken } from "../../context/index.js";

const messageSize = 256;
const turnMs = 40;
const swapped = 64;

export interface Tally {
  sealed: number;
  opened: number;
  wrong: number;
}

/** Frames of the other thread to open. */
export interface Request {
  readonly frames: readonly Uint8Array[];
}

/**
 * One turn of a thread: opens the frames of the other one, then seals and opens messages of its own; answers frames for the other.
 * Message `i` of a turn is the `i`th piece of the text.
 */
export function exchange(
  context: Context,
  text: Uint8Array,
  theirs: readonly Uint8Array[],
  tally: Tally,
): { frames: Buffer[] } {
  const pieces = Array.from({ length: text.length / messageSize }, (_, i) =>
    text.subarray(i * messageSize, (i + 1) * messageSize),
  );
  theirs.forEach((frame, i) => {
    if (Buffer.compare(context.decrypt(frame), pieces[i % pieces.length]!) !== 0) ++tally.wrong;
    ++tally.opened;
  });
  const frame = Buffer.allocUnsafe(messageSize + FRAME_OVERHEAD);
  const out = Buffer.allocUnsafe(messageSize);
  const end = performance.now() + turnMs;
  while (performance.now() < end) {
    for (const piece of pieces) {
      context.encryptInto(piece, frame);
      context.decryptInto(frame, out);
      if (out.compare(piece) !== 0) ++tally.wrong;
    }
    tally.sealed += pieces.length;
    tally.opened += pieces.length;
  }
  tally.sealed += swapped;
  return { frames: Array.from({ length: swapped }, (_, i) => context.encrypt(pieces[i % pieces.length]!)) };
}

if (!isMainThread && parentPort !== null) {
  const { token, text } = workerData as { token: ContextToken; text: Uint8Array };
  const context = Context.attach(token);
  const tally: Tally = { sealed: 0, opened: 0, wrong: 0 };
  const port = parentPort;
  port.on("message", ({ frames }: Request) => {
    port.postMessage({ frames: exchange(context, text, frames, tally).frames, tally });
  });
}
