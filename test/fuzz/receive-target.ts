import { isDeepStrictEqual } from "node:util";
import { suiteOf } from "#dist/mls/suite/index.js";
import { World, add, leaves, remove } from "../forge/world.js";
import type { Target } from "./engine.js";

const slow = 2000;
const octetsOfEdit = 4;

/** Messages of each kind that a member could send now. Keys are fresh in each run, so an input names one and its changes. */
const templates: readonly ((world: World) => Uint8Array)[] = [
  (w) => w.application("to be changed", { authenticatedData: Buffer.from("id") }),
  (w) => w.proposal(remove(leaves.dave)),
  (w) => w.proposal(add(w.puppet("nina").own.value), { wireFormat: 2 }),
  (w) => w.commit([remove(leaves.grace), add(w.puppet("nina").own.value)]).bytes,
  (w) => w.commit([], { wireFormat: 2 }).bytes,
  (w) => w.externalCommit(w.puppet("judy")).bytes,
  (w) => w.groupInfo(),
  (w) => w.puppet("nina").message,
];

let world: World | undefined;

function edited(message: Uint8Array, edits: Uint8Array): Buffer {
  let out: Buffer = Buffer.from(message);
  for (let i = 0; i + octetsOfEdit <= edits.length; i += octetsOfEdit) {
    const [kind, high, low, value] = edits.subarray(i, i + octetsOfEdit) as unknown as [number, number, number, number];
    const at = out.length === 0 ? 0 : (high * 256 + low) % out.length;
    if (kind % 4 === 0 && out.length > 0) out[at]! ^= value;
    if (kind % 4 === 1) out = out.subarray(0, at);
    if (kind % 4 === 2) out = Buffer.concat([out.subarray(0, at), Buffer.of(value), out.subarray(at)]);
    if (kind % 4 === 3) out = Buffer.concat([out.subarray(0, at), out.subarray(at + 1 + (value % 8))]);
  }
  return out;
}

/** Receiving by a member: every input has an outcome, and one that is not taken changes nothing. */
export const receiveTarget: Target = {
  name: "receive",
  seeds: () => Array.from({ length: templates.length + 1 }, (_, index) => Buffer.of(index)),
  async run(input) {
    world ??= await World.create(suiteOf(1));
    const choice = (input[0] ?? 0) % (templates.length + 1);
    const edits = input.subarray(1);
    const message = choice === templates.length ? edits : edited(templates[choice]!(world), edits);
    world.pile.dispose();
    const before = world.fingerprint();
    const started = performance.now();
    const outcome = await world.alice.receiveMessage(message);
    if (performance.now() - started > slow) throw new Error(`took longer than ${slow} ms`);
    const detail = outcome.kind === "rejected" ? `${outcome.code} ${outcome.rule}` : "";
    if (["application", "proposal", "commit"].includes(outcome.kind)) {
      await world.dispose();
      world = undefined;
    } else if (!isDeepStrictEqual(world.fingerprint(), before)) {
      throw new Error(`${outcome.kind} ${detail} changed the group`);
    }
    return [`${choice} ${outcome.kind} ${detail}`];
  },
};

/** Wipes the group that inputs were given to. */
export async function endReceiving(): Promise<void> {
  await world?.dispose();
  world = undefined;
}
