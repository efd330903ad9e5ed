/** RFC 9420 §6. */
import { select, struct, type Infer } from "../../codec/index.js";
import { GroupInfo } from "./group-info.js";
import { KeyPackage } from "./key-package.js";
import { PrivateMessage } from "./private-message.js";
import { PublicMessage } from "./public-message.js";
import { messageVersion, wireFormat } from "./enumerations.js";
import { Welcome } from "./welcome.js";

export const MLSMessage = struct(
  "MLSMessage",
  { version: messageVersion },
  select("wireFormat", wireFormat, {
    mlsPublicMessage: { publicMessage: PublicMessage },
    mlsPrivateMessage: { privateMessage: PrivateMessage },
    mlsWelcome: { welcome: Welcome },
    mlsGroupInfo: { groupInfo: GroupInfo },
    mlsKeyPackage: { keyPackage: KeyPackage },
  }),
);
export type MLSMessage = Infer<typeof MLSMessage>;
