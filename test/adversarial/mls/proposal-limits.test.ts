/** RFC 9420 §12.1: what no message of a member can reach through the layers above, or only after very many. */
import { expect, test } from "@jest/globals";
import { Checks } from "#dist/mls/group/checks.js";
import { receiveOne } from "#dist/mls/group/receive-messages.js";
import { validateProposal } from "#dist/mls/group/validate-proposal.js";
import { liveHandles } from "#dist/native/secret.js";
import { forEachWorld } from "../../forge/refusals.js";
import { external, member, newMemberProposal } from "../../forge/sign.js";
import { leaves, remove, update } from "../../forge/world.js";

forEachWorld((worldOf) => {
  test("12.1/too-many: one proposal more than are kept in an epoch", async () => {
    const { bob, puppets, proposal } = { ...worldOf(), proposal: worldOf().proposal.bind(worldOf()) };
    const kept = { proposal: remove(leaves.grace), sender: member(leaves.dave) };
    for (let i = 0; i < 65_536; i++) bob.proposals.add({ ...kept, ref: Buffer.from(`ref ${i}`) });
    const departure = { sender: member(leaves.dave), signer: puppets.get("dave")!.signatureKey };
    const message = proposal(remove(leaves.grace), departure);
    const before = [liveHandles(), bob.proposals.size];
    expect(await receiveOne(bob, message)).toMatchObject({ kind: "rejected", rule: "12.1/too-many" });
    expect([liveHandles(), bob.proposals.size]).toEqual(before);
  });

  test("12.1.2/sender: an Update by someone who has no leaf", () => {
    const world = worldOf();
    const { suite, tree, context } = world.bob.epoch;
    const setting = { suite, tree, context: context.value, policy: world.environment.policy };
    const proposal = update(world.leaf(leaves.dave));
    for (const sender of [external(0), newMemberProposal, member(leaves.blank)]) {
      const before = liveHandles();
      const refused = expect.objectContaining({ code: "invalid", rule: "12.1.2/sender" });
      expect(() => validateProposal(setting, { proposal, sender }, new Checks())).toThrow(refused);
      expect(liveHandles()).toBeLessThanOrEqual(before);
    }
  });
});
