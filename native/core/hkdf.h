// HKDF (RFC 5869) and its labelled form. Secrets in, secrets out.
#pragma once

#include <string_view>

#include "core/hash.h"

namespace tinymls {

Result<SecretBytes> hkdf_extract(const Library& library, HashId id, View salt, View ikm);
Result<SecretBytes> hkdf_expand(const Library& library, HashId id, View prk, View info, size_t length);

// How the label and the context are framed: one-octet lengths (RFC 8446 §7.1) or variable-size lengths (RFC 9420
// §2.1.2).
enum class LabelFormat : uint8_t { kTls13 = 0, kMls = 1 };

// `label` is the whole label, prefix included. Labels and contexts that the format cannot carry are Fault::kUsage.
Result<SecretBytes> hkdf_expand_label(const Library& library, HashId id, View secret, LabelFormat format, View label,
                                      View context, size_t length);
// Into memory of the caller, who wipes it: for keys that do not outlive a call.
Result<void> hkdf_expand_label(const Library& library, HashId id, View secret, LabelFormat format, View label,
                               View context, MutableView out);

// The same in place of the secret, and as long: of at most kMaxHashLength octets. On a fault it is what it was.
Result<void> hkdf_step_label(const Library& library, HashId id, SecretBytes& secret, LabelFormat format, View label,
                             View context);

}  // namespace tinymls
