/** Of the PSK that both have. */
export const pskId = "shared";

/** What the parent asks of the process that it kills. */
export type Request = (
  | { readonly ask: "keyPackage" | "propose" | "commit" | "confirm" | "discard" | "rebase" | "look" | "leave" }
  | { readonly ask: "join" | "visit" | "send" | "receive" | "psk"; readonly data: Uint8Array }
) & {
  /** The process dies by itself so many microseconds after its next write to the storage began. */
  readonly dieInWrite?: number;
  /** It is done and not answered: the process is killed meanwhile, or soon after. */
  readonly unanswered?: boolean;
};

/** Has a process that is ready open its storage. */
export interface Opening {
  readonly open: true;
  readonly leaseMs: number;
  /** The process dies by itself so many microseconds after it began to renew its hold on the group. */
  readonly dieInRenewal?: number | undefined;
}

export interface Answer {
  readonly kind?: string;
  readonly data?: Uint8Array | undefined;
  readonly epoch?: bigint;
  readonly pending?: Uint8Array | undefined;
  readonly error?: string;
}

/** Of the thread that ends its process. */
export const states = { idle: 0, awake: 1, dying: 2, counting: 3 } as const;
