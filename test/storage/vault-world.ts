import { TinyMlsError } from "tinymls";
import type { Secret } from "tinymls/crypto";
import { decodeSecret } from "#dist/native/secret.js";

export const key = { key: Buffer.alloc(32, 7) };
export const otherKey = { key: Buffer.alloc(32, 8) };
export const bytes = (text: string) => Buffer.from(text);

/** The text in a secret, which is disposed. */
export function textOf(secret: Secret): string {
  using text = secret;
  return decodeSecret(text, (octets) => Buffer.from(octets).toString());
}

export function errorOf(call: () => unknown) {
  try {
    call();
  } catch (error) {
    if (error instanceof TinyMlsError) return { code: error.code, path: error.path, message: error.message };
    throw error;
  }
  throw new Error("it was not refused");
}
