import { expect } from "@jest/globals";
import * as m from "tinymls/messages";
import { decode, encode, toJSON, type Codec } from "tinymls/messages";
import { testEntries } from "../vectors.js";

type Entry = Record<string, string>;

const plain: Record<string, Codec<unknown>> = {
  ratchet_tree: m.RatchetTree,
  group_secrets: m.GroupSecrets,
  add_proposal: m.Add,
  update_proposal: m.Update,
  remove_proposal: m.Remove,
  pre_shared_key_proposal: m.PreSharedKey,
  re_init_proposal: m.ReInit,
  external_init_proposal: m.ExternalInit,
  group_context_extensions_proposal: m.GroupContextExtensions,
  commit: m.Commit,
};

const messages: Record<string, object> = {
  mls_welcome: { wireFormat: "mlsWelcome" },
  mls_group_info: { wireFormat: "mlsGroupInfo" },
  mls_key_package: { wireFormat: "mlsKeyPackage" },
  private_message: { wireFormat: "mlsPrivateMessage" },
  public_message_application: {
    wireFormat: "mlsPublicMessage",
    publicMessage: { content: { contentType: "application" } },
  },
  public_message_proposal: { wireFormat: "mlsPublicMessage", publicMessage: { content: { contentType: "proposal" } } },
  public_message_commit: { wireFormat: "mlsPublicMessage", publicMessage: { content: { contentType: "commit" } } },
};

testEntries<Entry>("mls/messages.json", (entry) => {
  expect(Object.keys(entry).sort()).toEqual([...Object.keys(plain), ...Object.keys(messages)].sort());
  for (const [name, hex] of Object.entries(entry)) {
    const codec = plain[name] ?? m.MLSMessage;
    const value = decode(codec, Buffer.from(hex, "hex"));
    expect(encode(codec, value).toString("hex")).toBe(hex);
    if (messages[name]) expect(toJSON(codec, value)).toMatchObject({ version: "mls10", ...messages[name] });
  }
});
