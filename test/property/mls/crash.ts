// A process that dies in the middle of something: what is stored is all that is left of it, and has to be enough.
import { expect } from "@jest/globals";
import type { Group } from "tinymls";
import type { Choices } from "./choices.js";
import { refusedWith, type Member } from "./member.js";
import { untilPowerFails } from "./outlet.js";
import type { World } from "./world.js";

/** What the process was about. */
interface Activity {
  readonly run: () => Promise<unknown>;
  /** What it may leave otherwise than it was. */
  readonly changes?: "pending" | "epoch" | "membership";
}

/** The power fails at one of the next writes, before or after it is done; the process begins again, later, from what is stored. */
export async function crash(world: World, member: Member, choices: Choices): Promise<void> {
  if (choices.percent(70)) await member.catchUp(world.ds);
  const { group } = member;
  const activity = choices.one(
    group === undefined ? outside(world, member) : await inside(world, member, group, choices),
  );
  const before = group && { epoch: group.epoch, pending: group.pendingCommit?.commit };
  member.outlet.failAfter(choices.below(3), choices.percent(50));
  await untilPowerFails(activity.run());
  await member.restart();
  expectKept(world, member, before, activity.changes);
  // It goes on at once, or something else happens first.
  if (member.group === undefined || member.strayed || choices.percent(50)) return;
  if (member.group.pendingCommit === undefined) await world.commit(member, choices);
  else await world.publish(member, choices);
}

function outside(world: World, { client, welcomes }: Member): Activity[] {
  const welcome = welcomes.at(-1);
  return [
    { run: () => client.createKeyPackage() },
    { run: () => client.joinExternal(world.ds.groupInfo, { resync: true }), changes: "membership" },
    ...(welcome === undefined
      ? []
      : [
          {
            run: () => refusedWith(client.joinGroup(welcome), "conflict", "missing", "storage"),
            changes: "membership",
          } as const,
        ]),
  ];
}

async function inside(world: World, member: Member, group: Group, choices: Choices): Promise<Activity[]> {
  const pending = group.pendingCommit;
  const options = await world.commitOptions(group, choices);
  const activities: Activity[] = [
    { run: () => Promise.resolve() },
    { run: () => refusedWith(group.sendMessage("never sent"), "conflict", "storage") },
    { run: () => refusedWith(world.proposal(member, choices), "invalid", "storage") },
    { run: () => member.client.createKeyPackage() },
    { run: () => group.receiveMessages(member.inbox), changes: "membership" },
  ];
  if (pending === undefined) return [...activities, { run: () => group.commit(options), changes: "pending" }];
  const isTaken = world.isTaken(member);
  if (isTaken) return [...activities, { run: () => pending.confirm(), changes: "epoch" }];
  return [...activities, { run: () => pending.discard(), changes: "pending" }];
}

function expectKept(
  world: World,
  member: Member,
  before: { readonly epoch: bigint; readonly pending: Buffer | undefined } | undefined,
  changes: Activity["changes"],
): void {
  const { group } = member;
  if (changes !== "membership") expect(group === undefined).toBe(before === undefined);
  if (group === undefined) return;
  // An external commit that was stored and not sent is one that no one else will ever follow.
  if (before === undefined && group.epoch > world.ds.epoch) member.strayed = true;
  if (before !== undefined && changes !== "membership") {
    if (changes !== "epoch") expect(group.epoch).toBe(before.epoch);
    if (changes === undefined) expect(group.pendingCommit?.commit).toEqual(before.pending);
  }
  if (!member.strayed) world.ds.agree(group.epoch, group.epochAuthenticator(), member.name);
}
