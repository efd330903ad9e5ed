/** RFC 9420 §12.1: how many proposals others can make a member keep. */
import { expect, test } from "@jest/globals";
import { Client } from "tinymls";
import { proveRefusal } from "../../forge/proof.js";
import { claim, forEachWorld } from "../../forge/refusals.js";
import { keyPackageIn } from "../../forge/welcome.js";
import { supported } from "../../forge/puppet.js";
import { add, leaves } from "../../forge/world.js";

const kept = 3;

forEachWorld((worldOf) => {
  test("12.1/too-many: one proposal more than the application wants kept, and again after a commit", async () => {
    const world = worldOf();
    const heidi = await Client.create({
      identity: "heidi",
      cipherSuite: world.suite.id,
      supported: { extensions: supported.extensions },
      customProposals: supported.proposals.map((type) => ({ type })),
      maximumProposals: kept,
    });
    const adding = world.commit([add(keyPackageIn(await heidi.createKeyPackage()))]);
    const group = await heidi.joinGroup(world.welcome(adding));
    // bob, who sends what follows, goes on to the epoch that he invited heidi to.
    expect(await world.alice.receiveMessage(adding.bytes)).toMatchObject({ kind: "commit" });
    const outcomes: string[] = [];
    for (let i = 0; i < kept; i++) {
      const message = await world.alice.proposeCustom(0xf001, Buffer.of(i));
      outcomes.push((await group.receiveMessage(message)).kind);
    }
    expect(outcomes).toEqual(Array<string>(kept).fill("proposal"));
    const pending = group.pendingProposals();
    const more = await world.alice.proposeRemove(leaves.dave);
    await proveRefusal(claim(world, "12.1/too-many", group), () => group.receiveMessage(more));
    expect(group.pendingProposals()).toEqual(pending);
    const commit = await world.alice.commit({ proposals: false, update: true });
    await commit.confirm();
    expect(await group.receiveMessage(commit.commit)).toMatchObject({ kind: "commit" });
    expect(await group.receiveMessage(await world.alice.proposeRemove(leaves.dave))).toMatchObject({
      kind: "proposal",
    });
    await heidi.close();
  });
});
