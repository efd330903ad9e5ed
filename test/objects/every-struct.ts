import * as messages from "tinymls/messages";
import type { Codec } from "tinymls/messages";

const exported = Object.entries(messages).filter(
  (entry): entry is [string, Codec<unknown> & (typeof entry)[1]] => typeof entry[1] === "object" && "shape" in entry[1],
);

const byContentType = Object.entries(messages.ContentType).flatMap(([name, type]): [string, Codec<unknown>][] => [
  [`FramedContentAuthData of ${name}`, messages.framedContentAuthData(type)],
  [`PrivateMessageContent of ${name}`, messages.privateMessageContent(type)],
]);

/** Every codec that `tinymls/messages` exports, by name: a new struct is tested without a change here. */
export const everyStruct: readonly (readonly [string, Codec<unknown>])[] = [...exported, ...byContentType];
