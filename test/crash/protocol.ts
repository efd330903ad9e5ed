/** Of the PSK that both have. */
export const pskId = "shared";

/** What the parent asks of the process that it kills. */
export type Request =
  | { readonly ask: "keyPackage" | "propose" | "commit" | "confirm" | "discard" | "rebase" | "look" | "psk" }
  | { readonly ask: "join" | "send" | "receive"; readonly data: Uint8Array };

export interface Answer {
  readonly kind?: string;
  readonly data?: Uint8Array | undefined;
  readonly epoch?: bigint;
  readonly pending?: Uint8Array | undefined;
  readonly error?: string;
}
