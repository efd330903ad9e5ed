import { TinyMlsError, type ErrorCode } from "../../errors.js";
import type { Proposal } from "../objects/index.js";
import type { Member } from "./member.js";

/** Who made a proposal. */
export type ProposalSender =
  | { readonly kind: "member"; readonly member: Member }
  | { readonly kind: "external"; readonly senderIndex: number }
  | { readonly kind: "newMember" };

/** A proposal of this epoch that waits for a commit. */
export interface PendingProposal {
  readonly proposal: Proposal;
  readonly sender: ProposalSender;
  /** The ProposalRef (RFC 9420 §5.2): `commit({ proposals: [ref] })` covers it. */
  readonly ref: Buffer;
}

/** What came of a message: one of these, whatever the octets were. All but the first three leave the group as it was. */
export type Received =
  | {
      readonly kind: "application";
      readonly data: Buffer;
      /** The authenticated sender. */
      readonly sender: Member;
      readonly epoch: bigint;
      readonly generation: number;
      readonly authenticatedData: Buffer;
    }
  | {
      readonly kind: "proposal";
      readonly proposal: Proposal;
      readonly sender: ProposalSender;
      /** The ProposalRef (RFC 9420 §5.2). */
      readonly ref: Buffer;
      readonly authenticatedData: Buffer;
    }
  | {
      readonly kind: "commit";
      /** The epoch that the commit began. */
      readonly epoch: bigint;
      readonly committer: Member;
      readonly added: readonly Member[];
      /** As they were. */
      readonly removed: readonly Member[];
      /** As they are now, the committer among them where the commit has a path. */
      readonly updated: readonly Member[];
      /** This client is not a member any more: the group is closed. */
      readonly selfRemoved: boolean;
      /** The commit contains a ReInit: the group takes no more messages (RFC 9420 §11.2). */
      readonly reinitialized: boolean;
      readonly authenticatedData: Buffer;
    }
  /**
   * A message that this client sent; confirm the pending commit when it is that. `isUnknown` where this state did not send it: it is an
   * older copy, see `GroupHealth.forkNoticedAt`.
   */
  | { readonly kind: "ownEcho"; readonly isUnknown?: true }
  /** Seen before. */
  | { readonly kind: "duplicate" }
  /** Of an epoch or generation whose keys are erased, or a handshake message of a past epoch. */
  | { readonly kind: "stale" }
  /** Of an epoch not reached yet: try again after the commits in between. */
  | { readonly kind: "future" }
  /** A commit that refers to proposals not received: try again once they are. */
  | { readonly kind: "needsProposals"; readonly missing: readonly Buffer[] }
  | {
      readonly kind: "rejected";
      readonly code: ErrorCode;
      readonly rule?: string;
      readonly section?: string;
      /** Whether the same message may be accepted later, for example when a PSK is there. */
      readonly retryable: boolean;
    };

const aboutTheInput: ReadonlySet<ErrorCode> = new Set([
  "malformed",
  "invalid",
  "undecryptable",
  "missing",
  "exhausted",
]);

/** Whether an error judges an input. Others are about something else: a bug, the storage, a closed group, the application. */
export function isAboutTheInput(error: unknown): error is TinyMlsError {
  return error instanceof TinyMlsError && aboutTheInput.has(error.code);
}

/**
 * The outcome that an error about the input stands for.
 * @throws the error when it is about something else
 */
export function rejection(error: unknown): Received {
  if (!isAboutTheInput(error)) throw error;
  return {
    kind: "rejected",
    code: error.code,
    ...(error.rule === undefined ? {} : { rule: error.rule }),
    ...(error.section === undefined ? {} : { section: error.section }),
    retryable: error.retryable,
  };
}
