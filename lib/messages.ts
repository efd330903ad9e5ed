/**
 * `tinymls/messages`: every wire struct of RFC 9420 as a constant and a type of the same name.
 * Octets are `Uint8Array`s, enums numbers of the exported registries, 64-bit integers bigints, absent optionals null.
 */
import { TinyMlsError } from "./errors.js";
import { decode as decodeViews, ownCopy, type Codec, type Limits } from "./codec/index.js";

/**
 * Decodes one struct from all of `bytes`, strictly: shortest lengths, no octet left over. Unknown extensions, credentials,
 * proposals and capabilities are kept. The value holds views on one copy of `bytes`. Nothing is verified beyond the syntax.
 * @throws TinyMlsError `malformed` with `offset` and `path`, such as `MLSMessage.welcome.secrets[3].newMember`.
 */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array, limits?: Partial<Limits>): T {
  if (typeof (codec as Codec<T> | undefined)?.read !== "function") {
    throw new TinyMlsError("usage", "decode takes a struct of tinymls/messages", {
      operation: "decode",
      component: "codec",
    });
  }
  return decodeViews(codec, ownCopy(bytes), limits);
}

export {
  encode,
  toJSON,
  defaultLimits,
  type Codec,
  type Infer,
  type Json,
  type Limits,
  type Sequence,
} from "./codec/index.js";
export { unassignedType, type Unassigned } from "./codec/index.js";
export * from "./mls/objects/index.js";
export { describe } from "./observability/describe/index.js";
