/** RFC 9420 §12.1: proposals as an application asks for them. What it passes is checked. */
import { ownCopy, unassignedType } from "../../codec/index.js";
import {
  ProposalType,
  ProtocolVersion,
  PSKType,
  ResumptionPSKUsage,
  type Extension,
  type GroupContext,
  type PreSharedKeyID,
  type Proposal,
  type ReInit,
} from "../objects/index.js";
import { pskNonce } from "../schedule/index.js";
import type { Suite } from "../suite/index.js";
import {
  customType,
  extensionList,
  octets,
  pskReference,
  reinitOptions,
  takes,
  takesOptions,
  uint32,
} from "./arguments.js";
import { ownExtensions } from "./own-copies.js";
import { keyPackageFrom } from "./plan-add.js";

type Bytes = Uint8Array;

/** A PSK to inject: one that both sides know by an id, or what the members of an earlier epoch share. */
export type PskReference = { readonly external: Bytes | string } | { readonly epoch: bigint };

/** What the group is to become (RFC 9420 §11.2). What is left out stays as it is; the group id is then random. */
export interface ReInitOptions {
  readonly groupId?: Bytes | undefined;
  readonly cipherSuite?: number | undefined;
  readonly extensions?: readonly Extension[] | undefined;
}

type Context = Pick<GroupContext, "groupId" | "extensions">;

/** Each throws TinyMlsError `usage` for what it does not take, `malformed` for a key package that cannot be read. */
export const asked = {
  /** @param keyPackage a KeyPackage, or an MLSMessage that holds one */
  add: (keyPackage: Bytes): Proposal => ({
    proposalType: ProposalType.add,
    keyPackage: keyPackageFrom(ownCopy(keyPackage)),
  }),

  remove(leafIndex: number): Proposal {
    takes("proposeRemove", leafIndex, "leafIndex", uint32);
    return { proposalType: ProposalType.remove, removed: leafIndex };
  },

  psk(suite: Suite, { groupId }: Context, reference: PskReference): Proposal {
    takes("proposePsk", reference, "reference", pskReference);
    return { proposalType: ProposalType.psk, psk: pskId(suite, groupId, reference) };
  },

  /** RFC 9420 §12.1.5. */
  reinit(suite: Suite, { extensions }: Context, options: ReInitOptions = {}): Proposal & ReInit {
    takesOptions("proposeReInit", options, reinitOptions);
    return {
      proposalType: ProposalType.reinit,
      groupId: options.groupId === undefined ? pskNonce(suite) : ownCopy(options.groupId),
      version: ProtocolVersion.mls10,
      cipherSuite: options.cipherSuite ?? suite.id,
      extensions: options.extensions === undefined ? extensions : ownExtensions(options.extensions),
    };
  },

  groupContextExtensions(extensions: readonly Extension[]): Proposal {
    takes("proposeGroupContextExtensions", extensions, "extensions", extensionList);
    return { proposalType: ProposalType.groupContextExtensions, extensions: ownExtensions(extensions) };
  },

  /** RFC 9420 §13.2. */
  custom(type: number, data: Bytes): Proposal {
    takes("proposeCustom", type, "type", customType);
    takes("proposeCustom", data, "data", octets);
    return { proposalType: unassignedType(type), data: ownCopy(data) };
  },
};

/** A PreSharedKeyID with a fresh nonce. */
export function pskId(suite: Suite, groupId: Bytes, reference: PskReference): PreSharedKeyID {
  const nonce = { pskNonce: pskNonce(suite) };
  if ("external" in reference) {
    return { pskType: PSKType.external, pskId: Buffer.from(reference.external as string), ...nonce };
  }
  const usage = ResumptionPSKUsage.application;
  return { pskType: PSKType.resumption, usage, pskGroupId: groupId, pskEpoch: reference.epoch, ...nonce };
}
