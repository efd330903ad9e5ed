/** What the application passes and a group keeps, copied: it may use its buffers again. */
import { decode, encode, ownCopy } from "../../codec/index.js";
import { Credential, type Extension } from "../objects/index.js";

export function ownExtensions(extensions: readonly Extension[]): Extension[] {
  return extensions.map(({ extensionType, extensionData }) => ({
    extensionType,
    extensionData: ownCopy(extensionData),
  }));
}

export function ownCredential(credential: Credential): Credential {
  return decode(Credential, encode(Credential, credential));
}
