/** RFC 9420 §5.3: credentials in words. */
import { CredentialType, type Credential } from "../../mls/objects/index.js";
import { credentialType } from "../../mls/objects/enumerations.js";
import { count, octets, registered, textOrOctets } from "./outline.js";

export function credentialText(credential: Credential): string {
  switch (credential.credentialType) {
    case CredentialType.basic:
      return `basic ${textOrOctets(credential.identity)}`;
    case CredentialType.x509: {
      const sizes = credential.certificates.map(({ certData }) => certData.byteLength).join(", ");
      return `x509, ${count(credential.certificates.length, "certificate")}${sizes && ` of ${sizes} octets`}`;
    }
    default:
      return `${registered(credentialType, credential.credentialType)}, ${octets(credential.data)}`;
  }
}
