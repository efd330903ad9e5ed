/** RFC 9420 §12.4.3. */
import { opaque, struct, uint32, type Infer } from "../../codec/index.js";
import { extensions } from "./extension.js";
import { GroupContext } from "./group-context.js";

const signed = { groupContext: GroupContext, extensions, confirmationTag: opaque, signer: uint32 };

export const GroupInfo = struct("GroupInfo", signed, { signature: opaque });
export type GroupInfo = Infer<typeof GroupInfo>;

/** What `GroupInfo.signature` signs. */
export const GroupInfoTBS = struct("GroupInfoTBS", signed);
export type GroupInfoTBS = Infer<typeof GroupInfoTBS>;
