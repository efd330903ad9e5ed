/** The bodies of the extensions of RFC 9420 §17.3. The whole of `extensionData` is one such value; see also `RatchetTree`. */
import { named, opaque, struct, vector, type Infer } from "../../codec/index.js";
import { Credential } from "./credential.js";
import { credentialType, extensionType, proposalType } from "./enumerations.js";

/** RFC 9420 §5.3.3. */
export const ApplicationId = named("ApplicationId", opaque);
export type ApplicationId = Infer<typeof ApplicationId>;

/** RFC 9420 §11.1. */
export const RequiredCapabilities = struct("RequiredCapabilities", {
  extensionTypes: vector(extensionType),
  proposalTypes: vector(proposalType),
  credentialTypes: vector(credentialType),
});
export type RequiredCapabilities = Infer<typeof RequiredCapabilities>;

/** RFC 9420 §12.1.8.1. */
export const ExternalSender = struct("ExternalSender", { signatureKey: opaque, credential: Credential });
export type ExternalSender = Infer<typeof ExternalSender>;

export const ExternalSenders = named("ExternalSenders", vector(ExternalSender));
export type ExternalSenders = Infer<typeof ExternalSenders>;

/** RFC 9420 §12.4.3.2. */
export const ExternalPub = struct("ExternalPub", { externalPub: opaque });
export type ExternalPub = Infer<typeof ExternalPub>;
