import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { ErrorCode, RuleId } from "tinymls";
import { cipherSuites, suiteOf } from "#dist/mls/suite/index.js";
import type { ForgedCommit } from "./commit.js";
import { proveRefusal, type Claim } from "./proof.js";
import { World } from "./world.js";

type Message = Uint8Array | ForgedCommit;

/** A forged message by the rule that refuses it. Of a list, all but the last are to be accepted. */
export type Refusal = readonly [
  rule: RuleId,
  what: string,
  forge: (world: World) => Message | Promise<Message | readonly Message[]>,
  code?: ErrorCode,
];

const bytesOf = (message: Message): Uint8Array =>
  ("bytes" in message ? (message as ForgedCommit).bytes : message) as Uint8Array;

/** That `rule` refuses what is given to `group`, alice's unless told otherwise, or to a client beside it. */
export function claim(world: World, rule: RuleId, group = world.alice): Claim {
  return { suite: world.suite, rule, state: () => world.fingerprint(group) };
}

/** For each suite a world that all tests of a file share: since what is refused changes nothing, none gets into another's way. */
export function forEachWorld(body: (world: () => World) => void): void {
  for (const [id, { name }] of cipherSuites) {
    describe(name, () => {
      let world: World | undefined;
      beforeAll(async () => {
        world = await World.create(suiteOf(id));
      }, 60_000);
      afterEach(() => world?.pile.dispose());
      afterAll(() => world?.dispose());
      body(() => world!);
    });
  }
}

/** In all suites: alice refuses each message by its rule, nothing of her changes, and she goes on to take what is valid. */
export function refusals(cases: readonly Refusal[]): void {
  forEachWorld((worldOf) => {
    test.each(cases)("%s: %s", async (rule, _, forge, code = "invalid") => {
      const world = worldOf();
      const forged = await forge(world);
      const messages = (Array.isArray(forged) ? forged : [forged]).map(bytesOf);
      for (const message of messages.slice(0, -1)) {
        expect(await world.alice.receiveMessage(message)).toMatchObject({ kind: "proposal" });
      }
      const last = messages.at(-1)!;
      await proveRefusal({ ...claim(world, rule), code }, () => world.alice.receiveMessage(last));
      expect(await world.alice.receiveMessage(world.honestMessage(rule))).toMatchObject({ kind: "application" });
    });

    test("a valid commit is taken all the same", async () => {
      const world = worldOf();
      const { epoch } = world.alice;
      await world.honestCommit();
      expect(world.alice.epoch).toBe(epoch + 1n);
      expect(world.alice.epochAuthenticator()).toEqual(world.carol.epochAuthenticator());
    });
  });
}
