import { isUint8Array } from "node:util/types";
import type { Bytes } from "../native/addon.js";
import { usage } from "./options.js";

/** Names a Context to another thread of the same process; a plain object that `postMessage` can carry. */
export interface ContextToken {
  readonly kind: "tinymls.context";
  readonly value: Bytes;
  readonly gcInterval: number;
  readonly name?: string;
}

const tokenLength = 24;

export function tokenOf(
  fill: (out: Bytes) => void,
  context: { readonly gcInterval: number; readonly name: string | undefined },
): ContextToken {
  const value = new Uint8Array(tokenLength);
  fill(value);
  const { gcInterval, name } = context;
  return { kind: "tinymls.context", value, gcInterval, ...(name !== undefined && { name }) };
}

/** The bytes of a token. They are copied: what came in a message may be of shared memory. */
export function tokenValue(token: ContextToken, operation: string): Bytes {
  const { kind, value } = (token ?? {}) as Partial<ContextToken>;
  if (kind === "tinymls.context" && isUint8Array(value) && value.byteLength === tokenLength)
    return Uint8Array.from(value);
  throw usage(operation, "the token must come from Context.share");
}
