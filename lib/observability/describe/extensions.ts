/** RFC 9420 §13.4: extensions in words, with the bodies that RFC 9420 defines. */
import { decode, type Codec, type Infer } from "../../codec/index.js";
import { TinyMlsError } from "../../errors.js";
import { credentialType, extensionType, proposalType } from "../../mls/objects/enumerations.js";
import {
  ApplicationId,
  ExtensionType,
  ExternalPub,
  ExternalSenders,
  RatchetTree,
  RequiredCapabilities,
  type Extension,
} from "../../mls/objects/index.js";
import { credentialText } from "./credential.js";
import { describeRatchetTree } from "./ratchet-tree.js";
import { count, octets, registered, registeredAll, textOrOctets, type Outline } from "./outline.js";

interface Body {
  readonly codec: Codec<unknown>;
  write(out: Outline, body: unknown): void;
}

const body = <C extends Codec<unknown>>(codec: C, write: (out: Outline, body: Infer<C>) => void) => ({ codec, write });

const bodies: Readonly<Record<number, Body>> = {
  [ExtensionType.applicationId]: body(ApplicationId, (out, id) => out.add("id", textOrOctets(id))),
  [ExtensionType.ratchetTree]: body(RatchetTree, describeRatchetTree),
  [ExtensionType.requiredCapabilities]: body(RequiredCapabilities, (out, required) => {
    out.add("extensions", registeredAll(extensionType, required.extensionTypes));
    out.add("proposals", registeredAll(proposalType, required.proposalTypes));
    out.add("credentials", registeredAll(credentialType, required.credentialTypes));
  }),
  [ExtensionType.externalPub]: body(ExternalPub, (out, { externalPub }) => out.add("key", octets(externalPub))),
  [ExtensionType.externalSenders]: body(ExternalSenders, (out, senders) =>
    out.list(senders, (inner, sender, index) =>
      inner.add(
        `sender ${index}`,
        `${credentialText(sender.credential)}, signature key ${octets(sender.signatureKey)}`,
      ),
    ),
  ),
};

export function describeExtensions(out: Outline, extensions: readonly Extension[], heading = "extensions"): void {
  if (extensions.length === 0) {
    out.add(heading, "none");
    return;
  }
  out.section(heading, (inner) => inner.list(extensions, describeExtension));
}

function describeExtension(out: Outline, { extensionType: type, extensionData }: Extension): void {
  const heading = `${registered(extensionType, type)}, ${count(extensionData.byteLength, "octet")}`;
  const known = bodies[type];
  if (!known) {
    out.add(heading, octets(extensionData));
    return;
  }
  out.section(heading, (inner) => {
    try {
      known.write(inner, decode(known.codec, extensionData));
    } catch (error) {
      if (!(error instanceof TinyMlsError)) throw error;
      inner.add("malformed", error.message);
    }
  });
}
