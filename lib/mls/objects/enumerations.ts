/** The codecs of the registries of RFC 9420 §17. Those of version and wire format, as a message starts with them, are closed. */
import { enumeration, openEnumeration, uint16 } from "../../codec/index.js";
import { CipherSuite, CredentialType, ExtensionType, ProposalType, ProtocolVersion, WireFormat } from "./registries.js";

/** The only version that this library can frame; any other is refused. */
export const messageVersion = enumeration("ProtocolVersion", uint16, ProtocolVersion);
export const wireFormat = enumeration("WireFormat", uint16, WireFormat);

export const protocolVersion = openEnumeration("ProtocolVersion", uint16, ProtocolVersion);
export const cipherSuite = openEnumeration("CipherSuite", uint16, CipherSuite);
export const extensionType = openEnumeration("ExtensionType", uint16, ExtensionType);
export const proposalType = openEnumeration("ProposalType", uint16, ProposalType);
export const credentialType = openEnumeration("CredentialType", uint16, CredentialType);
