// AEAD, one shot and under a kept cipher.
#include "core/aead.h"

#include <algorithm>

#include "bind/call.h"

namespace tinymls::bind {

template <>
struct HandleTraits<AeadCipher> {
  static constexpr HandleKind kKind = HandleKind::kAeadCipher;
};

namespace {

// The nonce of one message: the base nonce with `nonceXor` on its leading octets, as RFC 9420 §6.3.1 uses the reuse
// guard.
class Nonce {
 public:
  Nonce(CallReader& call, size_t base_index, size_t xor_index) {
    const View base = call.secret_or_bytes(base_index), mask = call.optional_bytes(xor_index);
    if (base.size() != sizeof octets_ || mask.size() > sizeof octets_) {
      call.refuse(Fault::kUsage);
      return;
    }
    std::copy(base.begin(), base.end(), octets_);
    for (size_t i = 0; i < mask.size(); ++i) octets_[i] ^= mask[i];
  }
  ~Nonce() { wipe(octets_); }
  Nonce(const Nonce&) = delete;
  Nonce& operator=(const Nonce&) = delete;
  View view() const { return octets_; }

 private:
  uint8_t octets_[kAeadNonceLength] = {};
};

// The environment's cipher of an algorithm, under `key` for as long as this lives and under the zero key afterwards.
class OneShot {
 public:
  OneShot(CallReader& call, AeadId id, View key)
      : cipher_(call.environment().one_shot_ciphers[static_cast<size_t>(id)]), key_length_(aead_key_length(id)) {
    if (key.size() != key_length_) {
      ready_ = Fault::kUsage;
    } else if (cipher_) {
      ready_ = cipher_.rekey(key);
    } else if (auto created = AeadCipher::create(call.library(), id, key)) {
      cipher_ = std::move(*created);
    } else {
      ready_ = created.fault();
    }
  }
  ~OneShot() {
    static constexpr uint8_t kZeroKey[32] = {};
    if (cipher_ && !cipher_.rekey({kZeroKey, key_length_})) cipher_ = AeadCipher();
  }
  OneShot(const OneShot&) = delete;
  OneShot& operator=(const OneShot&) = delete;
  const Result<void>& ready() const { return ready_; }
  AeadCipher& operator*() const { return cipher_; }

 private:
  AeadCipher& cipher_;
  size_t key_length_;
  Result<void> ready_;
};

// Arguments from `first` on: nonce, aad, plaintext or ciphertext, [out,] nonceXor. AES-GCM's limits of one message
// (SP 800-38D §5.2.1.1) lie beyond what one array holds.
napi_value seal(CallReader& call, AeadCipher& cipher, size_t first) {
  const Nonce nonce(call, first, first + 4);
  const View aad = call.optional_bytes(first + 1), plaintext = call.sealable_or_bytes(first + 2);
  const MutableView out = call.out(first + 3);
  if (out.size() != plaintext.size() + kAeadTagLength || partly_overlap(plaintext, out) || partly_overlap(aad, out) ||
      (!aad.empty() && aad.data() == out.data()))
    call.refuse(Fault::kUsage);
  if (call.refused()) return call.refusal();
  return call.answer(cipher.seal(nonce.view(), aad, plaintext, out), static_cast<double>(out.size()));
}

napi_value open(CallReader& call, AeadCipher& cipher, size_t first) {
  const Nonce nonce(call, first, first + 4);
  const View aad = call.optional_bytes(first + 1), sealed = call.bytes(first + 2);
  const MutableView out = call.out(first + 3);
  if (partly_overlap(sealed, out) || partly_overlap(aad, out) || (!aad.empty() && aad.data() == out.data()))
    call.refuse(Fault::kUsage);
  if (call.refused()) return call.refusal();
  if (sealed.size() < kAeadTagLength) {
    wipe(out);
    return call.answer(Fault::kUndecryptable);
  }
  if (out.size() != sealed.size() - kAeadTagLength) return call.answer(Fault::kUsage);
  return call.answer(cipher.open(nonce.view(), aad, sealed, out), static_cast<double>(out.size()));
}

Result<SecretBytes> opened(AeadCipher& cipher, const Nonce& nonce, View aad, View sealed) {
  if (sealed.size() < kAeadTagLength) return Fault::kUndecryptable;
  auto plaintext = SecretBytes::allocate(sealed.size() - kAeadTagLength);
  if (!plaintext) return plaintext;
  const auto done = cipher.open(nonce.view(), aad, sealed, plaintext->bytes());
  if (!done) return done.fault();
  return plaintext;
}

napi_value open_secret(CallReader& call, AeadCipher& cipher, size_t first) {
  const Nonce nonce(call, first, first + 3);
  const View aad = call.optional_bytes(first + 1), sealed = call.bytes(first + 2);
  if (call.refused()) return call.refusal();
  return call.answer_handle(opened(cipher, nonce, aad, sealed));
}

// A plaintext of octets with secrets behind them, as lib/native/bundle.ts lays it out.
struct Bundle {
  View open;     // what is no secret: the head and the octets
  View lengths;  // of the secrets, four octets each
  View secrets;

  static Result<Bundle> read(View plaintext) {
    constexpr size_t kHead = 8;
    if (plaintext.size() < kHead) return Fault::kMalformed;
    const size_t octets = read_length(plaintext), lengths = 4 * read_length(plaintext.subspan(4));
    if (lengths > plaintext.size() - kHead || octets > plaintext.size() - kHead - lengths) return Fault::kMalformed;
    const size_t open = kHead + lengths + octets;
    return Bundle{plaintext.first(open), plaintext.subspan(kHead, lengths), plaintext.subspan(open)};
  }
};

// A handle for each secret of a bundle: for all, or for none.
Result<void> split(const Bundle& bundle, NewHandles& handles) {
  View rest = bundle.secrets;
  for (size_t at = 0; at < bundle.lengths.size(); at += 4) {
    const size_t length = read_length(bundle.lengths.subspan(at));
    if (length > rest.size()) return Fault::kMalformed;
    auto secret = SecretBytes::copy(rest.first(length));
    if (!secret) return secret.fault();
    const Result<double> handle = handles.add(std::make_shared<SecretBytes>(std::move(*secret)));
    if (!handle) return handle.fault();
    rest = rest.subspan(length);
  }
  return rest.empty() ? Result<void>() : Fault::kMalformed;
}

// Arguments from `first` on: nonce, aad, ciphertext, out, handles, nonceXor. `out` takes what is no secret of the
// bundle, `handles` those of the secrets; there may be more room in both. The answer is the number of the secrets.
napi_value open_bundle(CallReader& call, AeadCipher& cipher, size_t first) {
  const Nonce nonce(call, first, first + 5);
  const View aad = call.optional_bytes(first + 1), sealed = call.bytes(first + 2);
  const MutableView out = call.out(first + 3), handles = call.out(first + 4);
  if (call.refused()) return call.refusal();
  const auto plaintext = opened(cipher, nonce, aad, sealed);
  if (!plaintext) return call.answer(plaintext.fault());
  const auto bundle = Bundle::read(plaintext->view());
  if (!bundle) return call.answer(bundle.fault());
  const size_t room = bundle->lengths.size() / 4 * sizeof(double);
  if (bundle->open.size() > out.size() || room > handles.size()) return call.answer(Fault::kUsage);
  NewHandles secrets(call.handles());
  if (const auto all = split(*bundle, secrets); !all) return call.answer(all.fault());
  std::copy(bundle->open.begin(), bundle->open.end(), out.begin());
  return call.answer_handles(secrets, handles.first(room));
}

using Operation = napi_value (*)(CallReader&, AeadCipher&, size_t first);

// (algorithm, key, ...)
template <Operation operation, size_t count>
napi_value one_shot(napi_env env, napi_callback_info info) {
  Call<count + 2> call(env, info);
  const AeadId id = call.aead_id(0);
  const View key = call.secret_or_bytes(1);
  if (call.refused()) return call.refusal();
  const OneShot cipher(call, id, key);
  return cipher.ready() ? operation(call, *cipher, 2) : call.answer(cipher.ready());
}

// (cipher, ...)
template <Operation operation, size_t count>
napi_value kept(napi_env env, napi_callback_info info) {
  Call<count + 1> arguments(env, info);
  CallReader& call = arguments;
  AeadCipher* const cipher = call.object<AeadCipher>(0);
  return cipher && !call.refused() ? operation(call, *cipher, 1) : call.refusal();
}

napi_value create(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  const AeadId id = call.aead_id(0);
  const View key = call.secret_or_bytes(1);
  if (key.size() != aead_key_length(id)) call.refuse(Fault::kUsage);
  if (call.refused()) return call.refusal();
  return call.answer_handle(AeadCipher::create(call.library(), id, key));
}

}  // namespace

void register_aead(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"aeadSeal", one_shot<seal, 5>},
      {"aeadOpen", one_shot<open, 5>},
      {"aeadOpenSecret", one_shot<open_secret, 4>},
      {"aeadCipher", create},
      {"aeadCipherSeal", kept<seal, 5>},
      {"aeadCipherOpen", kept<open, 5>},
      {"aeadCipherOpenSecret", kept<open_secret, 4>},
      {"aeadCipherOpenBundle", kept<open_bundle, 6>},
  };
  define(env, exports, kMethods);
}

}  // namespace tinymls::bind
