/** RFC 9420 §5.1.2, §5.1.3, §5.2 and §8: the inputs of labelled operations. Labels are whole, with their prefix. */
import { opaque, struct, uint16, type Infer } from "../../codec/index.js";

/** RFC 9420 §5.1.2. */
export const SignContent = struct("SignContent", { label: opaque, content: opaque });
export type SignContent = Infer<typeof SignContent>;

/** RFC 9420 §5.1.3. */
export const EncryptContext = struct("EncryptContext", { label: opaque, context: opaque });
export type EncryptContext = Infer<typeof EncryptContext>;

/** RFC 9420 §5.2. */
export const RefHashInput = struct("RefHashInput", { label: opaque, value: opaque });
export type RefHashInput = Infer<typeof RefHashInput>;

/** RFC 9420 §8. */
export const KDFLabel = struct("KDFLabel", { length: uint16, label: opaque, context: opaque });
export type KDFLabel = Infer<typeof KDFLabel>;
