import { expect, test } from "@jest/globals";
import { Writable } from "node:stream";
import { pino } from "pino";
import { Context, type Logger } from "tinymls";
import { randomBytes, Secret } from "tinymls/crypto";
import { codeOf, sleep } from "../context/support.js";

function recorder() {
  const lines: string[] = [];
  const sink = new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(line.toString());
      done();
    },
  });
  const logger: Logger = pino({ level: "trace" }, sink);
  return { lines, logger, records: () => lines.map((line) => JSON.parse(line)) };
}

/** The ways in which octets would show in a line. */
function shapes(octets: Uint8Array): string[] {
  const bytes = Buffer.from(octets);
  const start = bytes.subarray(0, 12);
  return [
    start.toString("hex"),
    start.toString("base64"),
    start.toString("base64url"),
    JSON.stringify([...start]).slice(1, -1),
    JSON.stringify(start.toString("utf8")).slice(1, -1),
    JSON.stringify(start.toString("latin1")).slice(1, -1),
  ];
}

test("pino gets every event of a Context, and no line holds a key, plaintext, associated data or a frame", async () => {
  const { lines, logger, records } = recorder();
  const [shared, text, aad, entropy] = [randomBytes(32), randomBytes(64), randomBytes(32), randomBytes(32)];
  using secret = Secret.from(shared);
  const frames: Buffer[] = [];
  const peer = new Context({ secret });
  const options = { logger, name: "logged", gcInterval: 20, stateLifetime: 150, ratchetPeriod: 50, replayWindow: 64 };

  const context = new Context({ ...options, secret });
  for (let i = 0; i < 3; ++i) frames.push(context.encrypt(text, { aad }));
  context.decrypt(frames[0]!, { aad });
  expect(codeOf(() => context.decrypt(frames[0]!, { aad }))).toBe("invalid");
  expect(codeOf(() => context.decrypt(frames[1]!, { aad: text }))).toBe("undecryptable");
  expect(codeOf(() => context.decrypt(text.subarray(0, 20)))).toBe("malformed");
  expect(codeOf(() => context.rotateKey({ entropy }))).toBe("usage");
  context.rotateKey();
  peer.rotateKey();
  context.decrypt(peer.encrypt(text, { aad }), { aad });
  await sleep(400);
  expect(codeOf(() => context.decrypt(frames[2]!, { aad }))).toBe("expired");
  context.close();

  const own = new Context({ logger, name: "own", gcInterval: 20, entropySource: drawer(entropy) });
  own.rotateKey({ entropy });
  expect(codeOf(() => own.rotateKey({ entropy }))).toBe("config");
  own.close();
  peer.close();

  const seen = new Set(records().map(({ event }) => event));
  expect([...seen].sort()).toEqual(expect.arrayContaining(["close", "expire", "rotate", "security"]));
  expect(records().find(({ event }) => event === "security")).toMatchObject({
    level: 40,
    component: "context",
    context: "logged",
    code: "invalid",
    rule: "replay",
    operation: "Context.decrypt",
    suppressed: 0,
    msg: "frame refused",
  });
  expect(records().find(({ event }) => event === "rotate")).toMatchObject({ level: 30, epoch: 1, reason: "requested" });

  const all = lines.join("");
  for (const octets of [shared, text, aad, entropy, ...frames])
    for (const shape of shapes(octets)) expect(all).not.toContain(shape);
  // The search would find them.
  logger.info({ leak: Buffer.from(shared).toString("base64") }, "a leak");
  expect(shapes(shared).some((shape) => lines.at(-1)!.includes(shape.slice(0, 15)))).toBe(true);
});

/** Twice entropy, then an error that carries it. */
function drawer(entropy: Uint8Array): () => Uint8Array {
  let calls = 0;
  return () => {
    if (++calls <= 2) return entropy;
    throw new Error(`no more than ${Buffer.from(entropy).toString("hex")}`);
  };
}

test("refused frames make one line a second, which counts the others", async () => {
  const { records, logger } = recorder();
  using context = new Context({ logger });
  for (let i = 0; i < 1000; ++i) expect(codeOf(() => context.decrypt(Buffer.alloc(10)))).toBe("malformed");
  expect(records().length).toBe(1);
  await sleep(1050);
  expect(codeOf(() => context.decrypt(Buffer.alloc(10)))).toBe("malformed");
  expect(records().map(({ suppressed }) => suppressed)).toEqual([0, 999]);
});
