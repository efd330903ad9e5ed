/** RFC 9420 §8.1, §11.1, §12.1.8.1, §13.4: the extensions of a group context. */
import { decode, encode } from "../../codec/index.js";
import {
  ExternalPub,
  ExternalSenders,
  ExtensionType,
  RequiredCapabilities,
  type Extension,
  type ExternalSender,
} from "../objects/index.js";
import { refuse } from "../rules.js";

/** Refuses a list with a type twice, or with a body that cannot be read where this document defines it. */
export function checkGroupExtensions(extensions: readonly Extension[]): void {
  const types = extensions.map(({ extensionType }) => extensionType);
  if (new Set(types).size !== types.length) refuse("13.4/extensions-unique", "group context");
  for (const { extensionType, extensionData } of extensions) {
    if (extensionType === ExtensionType.requiredCapabilities) decode(RequiredCapabilities, extensionData);
    if (extensionType === ExtensionType.externalSenders) decode(ExternalSenders, extensionData);
  }
}

/** The body of an extension, undefined where the list has none of that type. */
export function findExtension(extensions: readonly Extension[], type: number): Uint8Array | undefined {
  return extensions.find(({ extensionType }) => extensionType === type)?.extensionData;
}

/** RFC 9420 §12.1.8.1: those who may send proposals from outside. */
export function externalSenders(extensions: readonly Extension[]): readonly ExternalSender[] {
  const body = findExtension(extensions, ExtensionType.externalSenders);
  return body === undefined ? [] : decode(ExternalSenders, body);
}

/** RFC 9420 §12.4.3.2: the key for external commits, undefined where GroupInfo does not give it. */
export function externalPubOf(extensions: readonly Extension[]): Uint8Array | undefined {
  const body = findExtension(extensions, ExtensionType.externalPub);
  return body === undefined ? undefined : decode(ExternalPub, body).externalPub;
}

/** The required_capabilities extension (RFC 9420 §11.1) of a group context. */
export function requiredCapabilitiesExtension(required: RequiredCapabilities): Extension {
  return {
    extensionType: ExtensionType.requiredCapabilities,
    extensionData: encode(RequiredCapabilities, required),
  };
}

/** The external_senders extension (RFC 9420 §12.1.8.1) of a group context. */
export function externalSendersExtension(senders: readonly ExternalSender[]): Extension {
  return { extensionType: ExtensionType.externalSenders, extensionData: encode(ExternalSenders, senders) };
}
