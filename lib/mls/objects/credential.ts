/** RFC 9420 §5.3. */
import { opaque, select, struct, vector, type Infer } from "../../codec/index.js";
import { credentialType } from "./enumerations.js";

export const Certificate = struct("Certificate", { certData: opaque });
export type Certificate = Infer<typeof Certificate>;

/** Credentials of other types are kept as one `opaque<V>`, the form that applications use for their own. */
export const Credential = struct(
  "Credential",
  select(
    "credentialType",
    credentialType,
    { basic: { identity: opaque }, x509: { certificates: vector(Certificate) } },
    { data: opaque },
  ),
);
export type Credential = Infer<typeof Credential>;
