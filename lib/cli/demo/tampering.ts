import { pipeline } from "node:stream/promises";
import { Readable, Writable } from "node:stream";
import { Context } from "../../context/index.js";
import { Secret } from "../../native/secret.js";
import { align } from "../table.js";
import { framesOf } from "./frames.js";
import { sample } from "./input.js";
import { codeOf, refusal } from "./refusal.js";
import type { Part, Stage } from "./stage.js";

/** Frames and streams are changed in every way; each is refused with its code, and nothing changes by it. */
export const tampering: Part = {
  title: "Tampering",
  async run(stage) {
    const text = sample(stage.input, 4096);
    const outcomes = [...frameAttacks(text), ...(await streamAttacks(text))];
    for (const line of align(outcomes.map(([what, code, wanted]) => [what, code, code === wanted ? "ok" : "FAIL"])))
      stage.say(line);
    const refused = outcomes.filter(([, code, wanted]) => code === wanted).length;
    stage.check(
      "each attempt is refused with its code",
      refused === outcomes.length,
      `${refused} of ${outcomes.length}`,
    );
    everyBit(stage);
  },
};

type Outcome = [what: string, code: string, wanted: string];

function frameAttacks(text: Buffer): Outcome[] {
  using secret = Secret.random(32);
  using sender = new Context({ secret });
  using receiver = new Context({ secret, replayWindow: 1024, maxEpochSkip: 4 });
  using stranger = new Context();
  const aad = Buffer.from("invoice 1");
  const changed = (change: (frame: Buffer) => Buffer | void) => {
    const frame = sender.encrypt(text, { aad });
    const result = change(frame) ?? frame;
    return refusal(() => receiver.decrypt(result, { aad }));
  };
  const flip = (at: number) => changed((frame) => void (frame[at < 0 ? frame.length + at : at]! ^= 1));
  const seen = sender.encrypt(text, { aad });
  receiver.decrypt(seen, { aad });
  return [
    ["a bit of the version", flipped(changed, 0, 0x10), "malformed"],
    ["a bit of the suite", flipped(changed, 0, 0x01), "invalid (suite)"],
    ["a bit of the step", flip(8), "undecryptable"],
    ["a bit of the sender", flip(9), "undecryptable"],
    ["a bit of the sequence number", flip(22), "undecryptable"],
    ["a bit of the ciphertext", flip(100), "undecryptable"],
    ["a bit of the tag", flip(-1), "undecryptable"],
    ["a shorter frame", changed((frame) => frame.subarray(0, -1)), "undecryptable"],
    ["a longer frame", changed((frame) => Buffer.concat([frame, frame.subarray(0, 1)])), "undecryptable"],
    ["no frame at all", changed(() => Buffer.alloc(10)), "malformed"],
    ["other associated data", refusal(() => receiver.decrypt(sender.encrypt(text), { aad })), "undecryptable"],
    [
      "a frame of a stranger",
      refusal(() => receiver.decrypt(stranger.encrypt(text, { aad }), { aad })),
      "undecryptable",
    ],
    ["an epoch far ahead", changed((frame) => void frame.writeUInt32BE(1000, 1)), "invalid (ahead)"],
    ["a frame for the second time", refusal(() => receiver.decrypt(seen, { aad })), "invalid (replay)"],
  ];
}

function flipped(changed: (change: (frame: Buffer) => void) => string, at: number, bits: number): string {
  return changed((frame) => void (frame[at]! ^= bits));
}

async function streamAttacks(text: Buffer): Promise<Outcome[]> {
  using context = new Context();
  const seal = async () => {
    const stream = context.createEncryptStream({ chunkSize: 1024 });
    const parts: Buffer[] = [];
    await pipeline(Readable.from([text]), stream, collect(parts));
    return [...framesOf(Buffer.concat(parts))];
  };
  const [frames, others] = [await seal(), await seal()];
  const [a, b, c, d] = frames as [Buffer, Buffer, Buffer, Buffer];
  const attempt = async (parts: readonly Buffer[]) => {
    try {
      await pipeline(Readable.from(parts), context.createDecryptStream(), collect([]));
    } catch (error) {
      return codeOf(error);
    }
    return "accepted";
  };
  return [
    ["chunks in another order", await attempt([a, c, b, d]), "undecryptable"],
    ["a chunk left out", await attempt([a, c, d]), "undecryptable"],
    ["a chunk twice", await attempt([a, b, b, c, d]), "undecryptable"],
    ["a chunk of another stream", await attempt([a, others[1]!, c, d]), "undecryptable"],
    ["the last chunk cut off", await attempt([a, b, c]), "undecryptable"],
    ["a stream cut off inside a chunk", await attempt([a, b.subarray(0, 500)]), "malformed (stream/truncated)"],
  ];
}

function collect(parts: Buffer[]): Writable {
  return new Writable({
    write(part: Buffer, _encoding, done) {
      parts.push(part);
      done();
    },
  });
}

/** No bit of a frame can be changed. */
function everyBit(stage: Stage): void {
  using context = new Context();
  const frame = context.encrypt(sample(stage.input, 200));
  const before = JSON.stringify([context.epoch, context.state]);
  let accepted = 0;
  for (let bit = 0; bit < frame.length * 8; ++bit) {
    frame[bit >> 3]! ^= 1 << (bit & 7);
    if (refusal(() => context.decrypt(frame)) === "accepted") ++accepted;
    frame[bit >> 3]! ^= 1 << (bit & 7);
  }
  const unchanged = JSON.stringify([context.epoch, context.state]) === before && context.decrypt(frame).length === 200;
  stage.check("each single bit of a frame counts", accepted === 0, `${frame.length * 8} flipped, ${accepted} accepted`);
  stage.check("refused frames changed nothing: the whole one opens", unchanged);
}
