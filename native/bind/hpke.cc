// HPKE: single-shot, contexts, and many seals in parallel. A suite is one number: KEM, KDF and AEAD, an octet each.
#include "core/hpke.h"

#include "bind/batch.h"
#include "bind/keys.h"
#include "bind/worker.h"
#include "core/pool.h"

namespace tinymls::bind {

template <>
struct HandleTraits<HpkeContext> {
  static constexpr HandleKind kKind = HandleKind::kHpkeContext;
};

namespace {

HpkeSuite suite_of(CallReader& call, size_t index) {
  const auto packed = call.integer<uint32_t>(index);
  const HpkeSuite suite{static_cast<KeyId>(packed & 0xff), static_cast<KdfId>(packed >> 8 & 0xff),
                        static_cast<AeadId>(packed >> 16 & 0xff)};
  if (packed >> 24 != 0 || !hpke_suite_known(suite)) call.refuse(Fault::kUsage);
  return suite;
}

// A psk that is given and empty is a mistake, not base mode.
void read_psk(CallReader& call, size_t first, HpkeInputs& inputs) {
  if (!call.absent(first)) {
    inputs.psk = call.secret_or_bytes(first);
    if (inputs.psk.empty()) call.refuse(Fault::kUsage);
  }
  inputs.psk_id = call.optional_bytes(first + 1);
}

// From `first` on: psk, pskId, the sender's key, then for known answers an ephemeral key and randomness.
HpkeInputs sender_inputs(CallReader& call, View info, size_t first) {
  HpkeInputs inputs;
  inputs.info = info;
  read_psk(call, first, inputs);
  inputs.sender_key = optional_private_key(call, first + 2);
  inputs.ephemeral = {optional_private_key(call, first + 3), call.optional_bytes(first + 4)};
  return inputs;
}

// From `first` on: psk, pskId, the sender's public key. One that is given and empty is no base mode.
HpkeInputs receiver_inputs(CallReader& call, View info, size_t first) {
  HpkeInputs inputs;
  inputs.info = info;
  read_psk(call, first, inputs);
  inputs.sender_public = call.optional_bytes(first + 2);
  if (!call.absent(first + 2) && inputs.sender_public.empty()) call.refuse(Fault::kMalformed);
  return inputs;
}

size_t opened_length(View sealed) { return sealed.size() - kAeadTagLength; }

// (suite, publicKey, info, aad, plaintext, enc, out, ...sender inputs)
napi_value seal(napi_env env, napi_callback_info info) {
  Call<12> call(env, info);
  const HpkeSuite suite = suite_of(call, 0);
  const View public_key = call.bytes(1), aad = call.bytes(3), plaintext = call.sealable_or_bytes(4);
  const HpkeInputs inputs = sender_inputs(call, call.bytes(2), 7);
  const MutableView enc = call.out(5), out = call.out(6);
  if (out.size() != plaintext.size() + kAeadTagLength) call.refuse(Fault::kUsage);
  if (call.refused()) return call.refusal();
  return call.answer(hpke_seal(call.library(), suite, public_key, inputs, aad, plaintext, enc, out));
}

// (suite, key, enc, info, aad, sealed, out, ...receiver inputs)
napi_value open(napi_env env, napi_callback_info info) {
  Call<10> call(env, info);
  const HpkeSuite suite = suite_of(call, 0);
  const auto* key = call.object<PrivateKey>(1);
  const View enc = call.bytes(2), aad = call.bytes(4), sealed = call.bytes(5);
  const HpkeInputs inputs = receiver_inputs(call, call.bytes(3), 7);
  const MutableView out = call.out(6);
  if (sealed.size() < kAeadTagLength || out.size() != opened_length(sealed)) call.refuse(Fault::kUsage);
  if (call.refused()) return call.refusal();
  return call.answer(hpke_open(call.library(), suite, *key, enc, inputs, aad, sealed, out));
}

// (suite, key, enc, info, aad, sealed, ...receiver inputs): the plaintext goes to a handle.
napi_value open_secret(napi_env env, napi_callback_info info) {
  Call<9> call(env, info);
  const HpkeSuite suite = suite_of(call, 0);
  const auto* key = call.object<PrivateKey>(1);
  const View enc = call.bytes(2), aad = call.bytes(4), sealed = call.bytes(5);
  const HpkeInputs inputs = receiver_inputs(call, call.bytes(3), 6);
  if (call.refused()) return call.refusal();
  if (sealed.size() < kAeadTagLength) return call.answer(Fault::kUndecryptable);
  auto plaintext = SecretBytes::allocate(opened_length(sealed));
  if (!plaintext) return call.answer(plaintext.fault());
  const auto opened = hpke_open(call.library(), suite, *key, enc, inputs, aad, sealed, plaintext->bytes());
  return opened ? call.answer_handle(std::move(plaintext)) : call.answer(opened.fault());
}

// (suite, publicKey, info, exporterContext, length, enc, ...sender inputs)
napi_value export_sender(napi_env env, napi_callback_info info) {
  Call<11> call(env, info);
  const HpkeSuite suite = suite_of(call, 0);
  const View public_key = call.bytes(1), context = call.bytes(3);
  const HpkeInputs inputs = sender_inputs(call, call.bytes(2), 6);
  const size_t length = call.length(4);
  const MutableView enc = call.out(5);
  if (call.refused()) return call.refusal();
  return call.answer_handle(hpke_export_sender(call.library(), suite, public_key, inputs, context, length, enc));
}

// (suite, key, enc, info, exporterContext, length, ...receiver inputs)
napi_value export_receiver(napi_env env, napi_callback_info info) {
  Call<9> call(env, info);
  const HpkeSuite suite = suite_of(call, 0);
  const auto* key = call.object<PrivateKey>(1);
  const View enc = call.bytes(2), context = call.bytes(4);
  const HpkeInputs inputs = receiver_inputs(call, call.bytes(3), 6);
  const size_t length = call.length(5);
  if (call.refused()) return call.refusal();
  return call.answer_handle(hpke_export_receiver(call.library(), suite, *key, enc, inputs, context, length));
}

// (suite, publicKey, info, enc, ...sender inputs)
napi_value sender(napi_env env, napi_callback_info info) {
  Call<9> call(env, info);
  const HpkeSuite suite = suite_of(call, 0);
  const View public_key = call.bytes(1);
  const HpkeInputs inputs = sender_inputs(call, call.bytes(2), 4);
  const MutableView enc = call.out(3);
  if (call.refused()) return call.refusal();
  return call.answer_handle(HpkeContext::sender(call.library(), suite, public_key, inputs, enc));
}

// (suite, key, enc, info, ...receiver inputs)
napi_value receiver(napi_env env, napi_callback_info info) {
  Call<7> call(env, info);
  const HpkeSuite suite = suite_of(call, 0);
  const auto* key = call.object<PrivateKey>(1);
  const View enc = call.bytes(2);
  const HpkeInputs inputs = receiver_inputs(call, call.bytes(3), 4);
  if (call.refused()) return call.refusal();
  return call.answer_handle(HpkeContext::receiver(call.library(), suite, *key, enc, inputs));
}

// (context, aad, plaintext, out)
napi_value context_seal(napi_env env, napi_callback_info info) {
  Call<4> call(env, info);
  auto* context = call.object<HpkeContext>(0);
  const View aad = call.bytes(1), plaintext = call.sealable_or_bytes(2);
  const MutableView out = call.out(3);
  if (out.size() != plaintext.size() + kAeadTagLength) call.refuse(Fault::kUsage);
  return call.refused() ? call.refusal() : call.answer(context->seal(aad, plaintext, out));
}

// (context, aad, sealed, out)
napi_value context_open(napi_env env, napi_callback_info info) {
  Call<4> call(env, info);
  auto* context = call.object<HpkeContext>(0);
  const View aad = call.bytes(1), sealed = call.bytes(2);
  const MutableView out = call.out(3);
  if (sealed.size() < kAeadTagLength || out.size() != opened_length(sealed)) call.refuse(Fault::kUsage);
  return call.refused() ? call.refusal() : call.answer(context->open(aad, sealed, out));
}

// (context, exporterContext, length)
napi_value context_export(napi_env env, napi_callback_info info) {
  Call<3> call(env, info);
  const auto* context = call.object<HpkeContext>(0);
  const View exporter_context = call.bytes(1);
  const size_t length = call.length(2);
  return call.refused() ? call.refusal() : call.answer_handle(context->export_secret(exporter_context, length));
}

struct SealBatch {
  HpkeSuite suite;
  Batch batch;  // public key; one octet where the info is that of the item before, none otherwise; info; aad
  SecretBatch plaintexts;

  // enc and ciphertext of each item, joined; or the fault and the item it is about.
  struct Outcome {
    std::vector<uint8_t> joined;
    size_t item = 0;
    Result<void> result;
  };

  static Outcome refused(Outcome outcome, Fault fault, size_t item) {
    outcome.result = fault;
    outcome.item = item;
    return outcome;
  }

  Outcome run(const Library& library) const {
    const size_t items = batch.items(), enc_length = kem_traits(suite.kem)->enc_length;
    std::vector<size_t> starts(items + 1);
    for (size_t i = 0; i < items; i++) starts[i + 1] = starts[i] + enc_length + plaintexts[i].size() + kAeadTagLength;
    Outcome outcome;
    outcome.joined.resize(starts[items]);
    std::vector<size_t> first(items);  // the item that brings the info
    std::vector<SecretBytes> hashes(items);
    for (size_t i = 0; i < items; i++) {
      if (batch.part(i, 1).empty()) {
        first[i] = i;
        continue;
      }
      if (i == 0) return refused(std::move(outcome), Fault::kUsage, i);
      const size_t shared = first[i] = first[i - 1];
      if (hashes[shared].size() > 0) continue;
      auto hash = hpke_info_hash(library, suite, batch.part(shared, 2));
      if (!hash) return refused(std::move(outcome), hash.fault(), i);
      hashes[shared] = std::move(*hash);
    }
    std::vector<Result<void>> results(items);
    parallel_unless(is_best_alone(suite.kem, items), items, [&](size_t i) {
      const MutableView out = MutableView(outcome.joined).subspan(starts[i], starts[i + 1] - starts[i]);
      HpkeInputs inputs;
      inputs.info = batch.part(first[i], 2);
      inputs.info_hash = hashes[first[i]].view();
      results[i] = hpke_seal(library, suite, batch.part(i, 0), inputs, batch.part(i, 3), plaintexts[i],
                             out.first(enc_length), out.subspan(enc_length));
    });
    for (size_t i = 0; i < items; i++)
      if (!results[i] && outcome.result) outcome.result = results[i], outcome.item = i;
    return outcome;
  }
};

// (suite, joined public keys, marks, infos and aads, their lengths, joined plaintexts, their lengths, handles of secret
// ones). A refusal is the fault and, times 256, the number of the item, counted from 1.
napi_value seal_all(napi_env env, napi_callback_info info) {
  Call<6> call(env, info);
  const HpkeSuite suite = suite_of(call, 0);
  SealBatch work{suite, Batch(call, 1, 4), SecretBatch(call, 3)};
  if (!call.refused() && work.batch.items() != work.plaintexts.items()) call.refuse(Fault::kUsage);
  if (call.refused()) return call.refusal();
  const bool brief = is_brief(suite.kem, work.batch.items());
  return run_unless(
      brief, env, "hpke.sealAll", [&library = call.library(), work = std::move(work)] { return work.run(library); },
      [](napi_env env, SealBatch::Outcome& outcome) -> napi_value {
        if (!outcome.result)
          return async_number(
              env, -static_cast<double>((outcome.item + 1) * 256 + static_cast<size_t>(outcome.result.fault())));
        napi_value buffer = nullptr;
        return napi_create_buffer_copy(env, outcome.joined.size(), outcome.joined.data(), nullptr, &buffer) == napi_ok
                   ? buffer
                   : nullptr;
      });
}

}  // namespace

void register_hpke(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"hpkeSeal", seal},
      {"hpkeOpen", open},
      {"hpkeOpenSecret", open_secret},
      {"hpkeExportSender", export_sender},
      {"hpkeExportReceiver", export_receiver},
      {"hpkeSender", sender},
      {"hpkeReceiver", receiver},
      {"hpkeContextSeal", context_seal},
      {"hpkeContextOpen", context_open},
      {"hpkeContextExport", context_export},
      {"hpkeSealAll", seal_all},
  };
  define(env, exports, kMethods);
}

}  // namespace tinymls::bind
