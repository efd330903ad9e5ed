import { afterAll, describe, expect, test } from "@jest/globals";
import { createHash, randomBytes } from "node:crypto";
import { Readable, type Transform, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Context, FRAME_OVERHEAD, TinyMlsError, type DecryptStreamOptions, type EncryptStreamOptions } from "tinymls";
import { collectNow } from "../native-api/collect.js";
import { openFrame } from "./reference.js";

const secret = Buffer.alloc(32, 4);
const context = new Context({ secret });
afterAll(() => context.close());

async function through(stream: Transform, input: Iterable<Buffer>): Promise<Buffer> {
  const output: Buffer[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      output.push(chunk);
      done();
    },
  });
  await pipeline(Readable.from(input, { objectMode: false }), stream, sink);
  return Buffer.concat(output);
}
const seal = (text: Buffer, options?: EncryptStreamOptions) => through(context.createEncryptStream(options), [text]);
const open = (sealed: Buffer | Buffer[], options?: DecryptStreamOptions) =>
  through(context.createDecryptStream(options), Array.isArray(sealed) ? sealed : [sealed]);

/** The length-prefixed frames. */
function split(sealed: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < sealed.length; at += parts.at(-1)!.length)
    parts.push(sealed.subarray(at, at + 4 + sealed.readUInt32BE(at)));
  return parts;
}

async function refusal(sealed: Buffer | Buffer[], options?: DecryptStreamOptions): Promise<TinyMlsError> {
  const error: unknown = await open(sealed, options).then(
    () => new Error("it was opened"),
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(TinyMlsError);
  return error as TinyMlsError;
}

test.each([0, 1, 15, 16, 17, 32, 33, 1000])(
  "%i octets in chunks of 16 open again, however they arrive",
  async (size) => {
    const text = randomBytes(size);
    const sealed = await seal(text, { chunkSize: 16 });
    expect(split(sealed)).toHaveLength(Math.max(1, Math.ceil(size / 16)));
    expect(sealed.length).toBe(size + split(sealed).length * (4 + FRAME_OVERHEAD));
    for (const piece of [1, 7, 58, 59, 60, 10_000]) {
      const pieces: Buffer[] = [];
      for (let at = 0; at < sealed.length; at += piece) pieces.push(sealed.subarray(at, at + piece));
      expect(await open(pieces)).toEqual(text);
    }
  },
);

test("the format is what docs/context.md says", async () => {
  const sealed = await seal(Buffer.from("0123456789"), { chunkSize: 4, aad: Buffer.from("caller") });
  const frames = split(sealed).map((part) => part.subarray(4));
  const chunks = frames.map((frame, index) => {
    const id = index === 0 ? Buffer.alloc(23) : frames[0]!.subarray(0, 23);
    const place = Buffer.alloc(9);
    place.writeBigUInt64BE(BigInt(index));
    place[8] = index === frames.length - 1 ? 1 : 0;
    const aad = Buffer.concat([Buffer.from("tinymls stream 1"), id, place, Buffer.from("caller")]);
    return openFrame({ secret, ratchet: "aes-ctr" }, frame, aad).toString();
  });
  expect(chunks).toEqual(["0123", "4567", "89"]);
});

test("a stream goes on while the Context rotates, and a peer follows it", async () => {
  const writer = new Context({ secret });
  const reader = new Context({ secret });
  const text = randomBytes(5000);
  const pieces = Array.from({ length: 50 }, (_, i) => text.subarray(i * 100, (i + 1) * 100));
  function* rotating() {
    for (const [i, piece] of pieces.entries()) {
      if (i % 10 === 9) writer.rotateKey();
      yield piece;
    }
  }
  const sealed = await through(writer.createEncryptStream({ chunkSize: 64 }), rotating());
  expect(await through(reader.createDecryptStream(), [sealed])).toEqual(text);
  expect(reader.epoch).toBeGreaterThan(1);
  writer.close();
  reader.close();
});

test("a large stream takes constant memory", async () => {
  const piece = randomBytes(1 << 16);
  const count = 8192; // 512 MiB
  const digest = createHash("sha256");
  const expected = createHash("sha256");
  function* pieces() {
    for (let i = 0; i < count; ++i) {
      expected.update(piece);
      yield piece;
    }
  }
  let most = 0;
  let chunks = 0;
  const before = process.memoryUsage().rss;
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      digest.update(chunk);
      // What garbage there is, newer lines of Node leave for longer.
      if (++chunks % 256 === 0) collectNow();
      most = Math.max(most, process.memoryUsage().rss - before);
      done();
    },
  });
  await pipeline(
    Readable.from(pieces(), { objectMode: false }),
    context.createEncryptStream(),
    context.createDecryptStream(),
    sink,
  );
  expect(digest.digest("hex")).toBe(expected.digest("hex"));
  expect(most).toBeLessThan(64 << 20);
});

describe("a stream that was meddled with is refused", () => {
  const options = { chunkSize: 16 };
  const text = Buffer.from("five chunks of sixteen octets each, and no more than that, are enough for here!!");
  const parts = seal(text, options).then(split);

  test("cut at every octet", async () => {
    const sealed = Buffer.concat(await parts);
    for (let length = 0; length < sealed.length; ++length) {
      const { code } = await refusal(sealed.subarray(0, length));
      expect(["malformed", "undecryptable"]).toContain(code);
    }
    expect(await open(sealed)).toEqual(text);
  });

  test("each bit flipped", async () => {
    const sealed = Buffer.concat(await parts);
    for (let bit = 0; bit < sealed.length * 8; ++bit) {
      const flipped = Buffer.from(sealed);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const { code } = await refusal(flipped);
      expect(["malformed", "undecryptable", "invalid"]).toContain(code);
    }
  });

  test("chunks reordered, dropped, repeated", async () => {
    const all = await parts;
    for (let i = 0; i < all.length; ++i) {
      await refusal(Buffer.concat(all.filter((_, j) => j !== i)));
      await refusal(Buffer.concat(all.flatMap((part, j) => (j === i ? [part, part] : [part]))));
      for (let j = 0; j < i; ++j) {
        const swapped = [...all];
        [swapped[i], swapped[j]] = [all[j]!, all[i]!];
        await refusal(Buffer.concat(swapped));
      }
    }
  });

  test("chunks of another stream spliced in, behind, before", async () => {
    const ours = await parts;
    const theirs = split(await seal(text, options));
    for (let i = 0; i < ours.length; ++i)
      await refusal(Buffer.concat(ours.map((part, j) => (j === i ? theirs[i]! : part))));
    await refusal(Buffer.concat([...ours, ...theirs]));
    await refusal(Buffer.concat([...ours, theirs.at(-1)!]));
    await refusal(Buffer.concat([...ours.slice(0, 3), ...theirs.slice(3)]));
    await refusal(Buffer.concat([...ours, Buffer.alloc(1)]));
  });

  test("a frame that was sealed for itself, and an aad that differs", async () => {
    const frame = context.encrypt("not of a stream");
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32BE(frame.length);
    expect((await refusal(Buffer.concat([prefix, frame]))).code).toBe("undecryptable");
    const sealed = await seal(text, { aad: Buffer.from("a") });
    expect((await refusal(sealed)).code).toBe("undecryptable");
    expect((await refusal(sealed, { aad: Buffer.from("b") })).code).toBe("undecryptable");
    expect(await open(sealed, { aad: Buffer.from("a") })).toEqual(text);
  });

  test("frames longer than accepted, before they are read", async () => {
    const sealed = await seal(randomBytes(200), { chunkSize: 100 });
    expect(await refusal(sealed, { maxChunkSize: 99 })).toMatchObject({
      code: "malformed",
      rule: "stream/frame-length",
    });
    expect((await open(sealed, { maxChunkSize: 100 })).length).toBe(200);
    const endless = Buffer.alloc(4, 0xff);
    expect(await refusal(endless)).toMatchObject({ code: "malformed", rule: "stream/frame-length" });
  });

  test("nothing at all", async () => {
    expect(await refusal(Buffer.alloc(0))).toMatchObject({ code: "malformed", rule: "stream/truncated" });
  });

  test("only chunks in their place are passed on before the refusal", async () => {
    const all = await parts;
    const passed: Buffer[] = [];
    const stream = context.createDecryptStream();
    stream.on("data", (chunk: Buffer) => passed.push(chunk));
    await expect(
      pipeline(Readable.from([Buffer.concat([all[0]!, all[1]!, all[3]!, all[4]!])]), stream),
    ).rejects.toThrow();
    expect(text.toString().startsWith(Buffer.concat(passed).toString())).toBe(true);
    expect(Buffer.concat(passed).length).toBeLessThanOrEqual(32);
  });
});

test("a closed Context ends its streams with `closed`", async () => {
  const own = new Context();
  const stream = own.createEncryptStream({ chunkSize: 4 });
  own.close();
  await expect(through(stream, [Buffer.alloc(10)])).rejects.toMatchObject({ code: "closed" });
});
