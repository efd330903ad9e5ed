#include "core/hkdf.h"

#include <array>
#include <cstring>

namespace tinymls {
namespace {

constexpr size_t kMaxBlocks = 255;  // RFC 5869 §2.3: the counter is one octet

// RFC 5869 §2.3, info in parts. On a fault the caller wipes `out`.
Result<void> expand(const Library& library, HashId id, View prk, std::span<const View> info, MutableView out) {
  constexpr size_t kMaxParts = 4;
  const size_t block = hash_length(id), length = out.size();
  if (length > kMaxBlocks * block || info.size() > kMaxParts) return Fault::kUsage;

  std::array<View, kMaxParts + 2> parts;
  std::copy(info.begin(), info.end(), parts.begin() + 1);
  uint8_t counter = 0;
  parts[info.size() + 1] = View(&counter, 1);
  WipedArray<kMaxHashLength> last;
  for (size_t done = 0; done < length; done += block) {
    ++counter;
    const std::span<const View> input(parts.data(), info.size() + 2);
    const bool whole = length - done >= block;
    const MutableView target = whole ? out.subspan(done, block) : last.first(block);
    if (auto result = hmac(library, id, prk, input, target); !result) return result.fault();
    if (!whole) std::memcpy(out.data() + done, last.data, length - done);
    parts[0] = target;
  }
  return {};
}

// A length prefix: one octet, or RFC 9420 §2.1.2. False when the format cannot carry it.
bool put_length(LabelFormat format, size_t length, uint8_t*& at) {
  if (format == LabelFormat::kTls13) {
    if (length > 0xff) return false;
    *at++ = static_cast<uint8_t>(length);
    return true;
  }
  if (length < 0x40) {
    *at++ = static_cast<uint8_t>(length);
  } else if (length < 0x4000) {
    *at++ = static_cast<uint8_t>(0x40 | length >> 8);
    *at++ = static_cast<uint8_t>(length);
  } else if (length < 0x40000000) {
    *at++ = static_cast<uint8_t>(0x80 | length >> 24);
    *at++ = static_cast<uint8_t>(length >> 16);
    *at++ = static_cast<uint8_t>(length >> 8);
    *at++ = static_cast<uint8_t>(length);
  } else {
    return false;
  }
  return true;
}

bool known(HashId id) { return id >= HashId::kSha256 && id <= HashId::kSha512; }

}  // namespace

Result<SecretBytes> hkdf_extract(const Library& library, HashId id, View salt, View ikm) {
  if (!known(id)) return Fault::kUsage;
  auto prk = SecretBytes::allocate(hash_length(id));
  if (!prk) return prk.fault();
  // RFC 5869 §2.2: no salt is HashLen zeros, which HMAC pads to the same block as an empty key.
  const std::array parts{ikm};
  if (auto result = hmac(library, id, salt, parts, prk->bytes()); !result) return result.fault();
  return prk;
}

Result<SecretBytes> hkdf_expand(const Library& library, HashId id, View prk, View info, size_t length) {
  if (!known(id)) return Fault::kUsage;
  if (length > kMaxBlocks * hash_length(id)) return Fault::kUsage;
  auto out = SecretBytes::allocate(length);
  if (!out) return out;
  const std::array parts{info};
  if (auto done = expand(library, id, prk, parts, out->bytes()); !done) return done.fault();
  return out;
}

Result<SecretBytes> hkdf_expand_label(const Library& library, HashId id, View secret, LabelFormat format, View label,
                                      View context, size_t length) {
  if (!known(id) || length > kMaxBlocks * hash_length(id)) return Fault::kUsage;
  auto out = SecretBytes::allocate(length);
  if (!out) return out;
  auto done = hkdf_expand_label(library, id, secret, format, label, context, out->bytes());
  if (!done) return done.fault();
  return out;
}

Result<void> hkdf_expand_label(const Library& library, HashId id, View secret, LabelFormat format, View label,
                               View context, MutableView out) {
  const size_t length = out.size();
  if (!known(id) || format > LabelFormat::kMls || length > 0xffff) return Fault::kUsage;
  uint8_t head[2 + 4];  // length, length of label
  uint8_t tail[4];      // length of context
  head[0] = static_cast<uint8_t>(length >> 8);
  head[1] = static_cast<uint8_t>(length);
  uint8_t* head_end = head + 2;
  uint8_t* tail_end = tail;
  if (!put_length(format, label.size(), head_end) || !put_length(format, context.size(), tail_end))
    return Fault::kUsage;
  const std::array parts{View(head, head_end), label, View(tail, tail_end), context};
  return expand(library, id, secret, parts, out);
}

Result<void> hkdf_step_label(const Library& library, HashId id, SecretBytes& secret, LabelFormat format, View label,
                             View context) {
  WipedArray<kMaxHashLength> next;
  if (secret.size() > kMaxHashLength) return Fault::kUsage;
  const MutableView out = next.first(secret.size());
  auto done = hkdf_expand_label(library, id, secret.view(), format, label, context, out);
  if (done && !out.empty()) std::memcpy(secret.data(), out.data(), out.size());
  return done;
}

}  // namespace tinymls
