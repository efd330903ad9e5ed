import { isUint8Array } from "node:util/types";
import type { Bytes } from "../native/addon.js";
import { FRAME_OVERHEAD } from "./frame.js";
import { usage } from "./options.js";

export function bytesOf(data: Bytes | string, operation: string, name: string): Bytes {
  if (typeof data === "string") return Buffer.from(data);
  if (isUint8Array(data)) return data;
  throw usage(operation, `${name} must be a Uint8Array or a string`);
}

/** Why the addon did not rotate. */
export const wrongRotation = (entropy: Bytes | undefined) =>
  entropy === undefined
    ? "the epochs of a fleet are in its storage: await rotate() of the Context that was opened"
    : "entropy cannot be mixed into a shared secret: peers could not follow";

/** Why the addon refused the arguments of one operation. */
export function wrongArguments(operation: string, input?: Bytes, out?: Bytes, aad?: Bytes): string | undefined {
  const sealing = operation.startsWith("Context.encrypt");
  const name = sealing ? "plaintext" : "frame";
  if (!isUint8Array(input)) return `${name} must be a Uint8Array`;
  if (!isUint8Array(out)) return "out must be a Uint8Array";
  if (aad !== undefined && !isUint8Array(aad)) return "aad must be a Uint8Array";
  const needed = sealing ? input.byteLength + FRAME_OVERHEAD : Math.max(0, input.byteLength - FRAME_OVERHEAD);
  if (out.byteLength < needed) return `out is too small: ${needed} bytes are needed, ${out.byteLength} are there`;
  if (out.buffer === input.buffer || out.buffer === aad?.buffer)
    return `out must not share memory with ${name} or aad, unless the text stays in place behind the frame's header`;
  return undefined;
}
