/** The TLS presentation language as RFC 9420 §2.1 uses it: a struct declared once as data. */
export { decode, encode, isEncoding, toJSON, type Codec, type Infer, type Json } from "./codec.js";
export { optional, vector } from "./collections.js";
export { decodeOnce, encoded, encodeOnce, type Encoded } from "./encoded.js";
export { enumeration, openEnumeration, type Enumeration } from "./enumeration.js";
export { defaultLimits, type Limits } from "./limits.js";
export { fixed, hex, opaque, secretOpaque, uint16, uint32, uint64, uint8, zeroPadding } from "./primitives.js";
export { dependent, presentWhen, select, struct, unassignedType, type Struct, type Unassigned } from "./struct.js";
export { lengthHeader, maxVectorLength } from "./writer.js";
