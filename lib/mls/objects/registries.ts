/** RFC 9420 §17: the registries, and §13.5: GREASE. */
export { CipherSuite } from "../suite/registry.js";

/** RFC 9420 §6. */
export const ProtocolVersion = { mls10: 1 } as const;
export type ProtocolVersion = (typeof ProtocolVersion)[keyof typeof ProtocolVersion];

/** RFC 9420 §17.2. */
export const WireFormat = {
  mlsPublicMessage: 1,
  mlsPrivateMessage: 2,
  mlsWelcome: 3,
  mlsGroupInfo: 4,
  mlsKeyPackage: 5,
} as const;
export type WireFormat = (typeof WireFormat)[keyof typeof WireFormat];

/** RFC 9420 §17.3. */
export const ExtensionType = {
  applicationId: 1,
  ratchetTree: 2,
  requiredCapabilities: 3,
  externalPub: 4,
  externalSenders: 5,
} as const;
export type ExtensionType = (typeof ExtensionType)[keyof typeof ExtensionType];

/** RFC 9420 §17.4. */
export const ProposalType = {
  add: 1,
  update: 2,
  remove: 3,
  psk: 4,
  reinit: 5,
  externalInit: 6,
  groupContextExtensions: 7,
} as const;
export type ProposalType = (typeof ProposalType)[keyof typeof ProposalType];

/** RFC 9420 §17.5. */
export const CredentialType = { basic: 1, x509: 2 } as const;
export type CredentialType = (typeof CredentialType)[keyof typeof CredentialType];

/** RFC 9420 §13.5: 0x0A0A, 0x1A1A, ... 0xEAEA, reserved in every registry so that what is unknown stays ignored. */
export const greaseValues: readonly number[] = Object.freeze(
  Array.from({ length: 15 }, (_, index) => 0x0a0a + 0x1010 * index),
);

/** 0xF000 to 0xFFFF, in every registry. */
export const firstPrivateUseValue = 0xf000;
