/** RFC 9420 §7.2 and §13.4. */
import { opaque, struct, vector, type Infer } from "../../codec/index.js";
import { extensionType } from "./enumerations.js";

export const Extension = struct("Extension", { extensionType, extensionData: opaque });
export type Extension = Infer<typeof Extension>;

export const extensions = vector(Extension);
