import { expect, test } from "@jest/globals";
import { forEachWorld } from "./refusals.js";
import { keyPackageIn } from "./welcome.js";
import { add, remove, leaves } from "./world.js";

forEachWorld((worldOf) => {
  test("what departs nowhere is accepted: messages, proposals, commits, welcomes and external commits", async () => {
    const world = worldOf();
    const { alice } = world;
    expect(await alice.receiveMessage(world.application("forged"))).toMatchObject({ kind: "application" });
    expect(await alice.receiveMessage(world.proposal(remove(leaves.dave)))).toMatchObject({ kind: "proposal" });
    const erin = await world.client("erin");
    const { keyPackage } = { keyPackage: keyPackageIn(await erin.createKeyPackage()) };
    const commit = world.commit([add(keyPackage)]);
    expect(await world.carol.receiveMessage(commit.bytes)).toMatchObject({ kind: "commit" });
    expect(world.carol.epochAuthenticator()).toEqual(commit.secrets.epochAuthenticator());
    const joined = await erin.joinGroup(world.welcome(commit));
    expect(joined.epochAuthenticator()).toEqual(commit.secrets.epochAuthenticator());
    const join = world.externalCommit(world.puppet("judy"));
    expect(await alice.receiveMessage(join.bytes)).toMatchObject({ kind: "commit", committer: { leafIndex: 4 } });
    expect(alice.epochAuthenticator()).toEqual(join.secrets.epochAuthenticator());
  });
});
