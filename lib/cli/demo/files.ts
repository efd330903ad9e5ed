import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Context } from "../../context/index.js";
import { Secret } from "../../native/secret.js";
import { progressLine, size } from "../progress.js";
import { framesOf, headerOf } from "./frames.js";
import type { InputFile } from "./input.js";
import type { Part, Stage } from "./stage.js";

/** Short, so that the ratchet is seen at work. */
const ratchetPeriod = 20;
const rotations = 3;

/** Seals real files through streams while the key is ratcheted and rotated; a peer with the same secret opens and compares. */
export const files: Part = {
  title: "Real files through streams",
  async run(stage) {
    using secret = Secret.random(32);
    using sender = new Context({ secret, ratchetPeriod, name: "sender" });
    using receiver = new Context({ secret, ratchetPeriod, name: "receiver" });
    const total = stage.input.reduce((sum, file) => sum + file.size, 0);

    const sealing = await timed(() => sealAll(stage, sender, total));
    stage.say(`${stage.input.length} files, ${size(total)}, sealed in ${sealing.seconds.toFixed(2)} s`);
    const { frames, steps, epochs, clear } = survey(stage);
    stage.check(
      "sealed under several keys",
      steps > 1 && epochs === rotations + 1,
      `${frames} frames, ${steps} ratchet steps, ${epochs} epochs`,
    );
    stage.check("no plaintext in the sealed files", !clear);

    const opening = await timed(() => openAll(stage, receiver, total));
    const same = stage.input.filter((_, i) => opening.result.hashes[i] === sealing.result.hashes[i]).length;
    stage.check(
      "SHA-256 of every file is that of before",
      same === stage.input.length,
      `${same} of ${stage.input.length}`,
    );
    stage.check(
      "the peer followed the epochs by the frames alone",
      receiver.epoch === rotations,
      `epoch ${receiver.epoch}`,
    );
    const largest = stage.input.reduce((a, b) => (b.size > a.size ? b : a));
    const [sealed, opened] = [sealing.result, opening.result].map(
      ({ fastest }) => `${(fastest / 1e6).toFixed(0)} MB/s`,
    );
    stage.figure(`the largest file (${size(largest.size)}), read, hashed, sealed, written`, sealed!);
    stage.figure("the same, read, opened, hashed", opened!);
  },
};

interface Hashed {
  readonly hashes: string[];
  /** Octets a second, of the file where that was the most. */
  readonly fastest: number;
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  const start = performance.now();
  const result = await work();
  return { result, seconds: (performance.now() - start) / 1000 };
}

const sealedPath = ({ folder }: Stage, index: number) => join(folder, `${index}.sealed`);

async function sealAll(stage: Stage, sender: Context, total: number): Promise<Hashed> {
  const start = performance.now();
  const rotateBefore = new Set([1, 2, 3].map((part) => Math.floor((stage.input.length * part) / (rotations + 1))));
  const hashes: string[] = [];
  let [done, fastest] = [0, 0];
  for (const [index, file] of stage.input.entries()) {
    if (rotateBefore.has(index)) sender.rotateKey();
    const [hash, begun] = [new Hashing(), performance.now()];
    const aad = Buffer.from(file.name);
    await pipeline(read(file), hash, sender.createEncryptStream({ aad }), createWriteStream(sealedPath(stage, index)));
    hashes.push(hash.digest());
    done += file.size;
    fastest = Math.max(fastest, (file.size * 1000) / (performance.now() - begun));
    stage.progress(`sealing ${progressLine(done, total, (performance.now() - start) / 1000)}`);
  }
  return { hashes, fastest };
}

async function openAll(stage: Stage, receiver: Context, total: number): Promise<Hashed> {
  const start = performance.now();
  const hashes: string[] = [];
  let [done, fastest] = [0, 0];
  for (const [index, file] of stage.input.entries()) {
    const [hash, begun] = [new Hashing(), performance.now()];
    const aad = Buffer.from(file.name);
    await pipeline(createReadStream(sealedPath(stage, index)), receiver.createDecryptStream({ aad }), hash.resume());
    hashes.push(hash.digest());
    done += file.size;
    fastest = Math.max(fastest, (file.size * 1000) / (performance.now() - begun));
    stage.progress(`opening ${progressLine(done, total, (performance.now() - start) / 1000)}`);
  }
  return { hashes, fastest };
}

function read({ path, size: length }: InputFile) {
  return createReadStream(path, { highWaterMark: 256 * 1024, ...(length > 0 && { end: length - 1 }) });
}

/** Passes data on and hashes it. */
class Hashing extends Transform {
  readonly #hash = createHash("sha256");

  override _transform(data: Buffer, _encoding: string, done: TransformCallback): void {
    this.#hash.update(data);
    done(null, data);
  }

  digest(): string {
    return this.#hash.digest("hex");
  }
}

/** What can be seen of the sealed files without a key. */
function survey(stage: Stage): { frames: number; steps: number; epochs: number; clear: boolean } {
  const [steps, epochs] = [new Set<string>(), new Set<number>()];
  let frames = 0;
  let clear = false;
  for (const [index, file] of stage.input.entries()) {
    const sealed = readFileSync(sealedPath(stage, index));
    for (const frame of framesOf(sealed)) {
      const { epoch, step } = headerOf(frame.subarray(4));
      steps.add(`${epoch} ${step}`);
      epochs.add(epoch);
      ++frames;
    }
    if (file.size >= 64 && statSync(file.path).size === file.size) {
      clear ||= sealed.includes(readFileSync(file.path).subarray(0, 64));
    }
  }
  return { frames, steps: steps.size, epochs: epochs.size, clear };
}
