// SecureBuffer: locked memory that JavaScript sees as an ArrayBuffer, until it disposes it.
#include "bind/call.h"

namespace tinymls::bind {

namespace {

struct SecureMemory {
  SecretBytes secret;
  bool exposed = false;
};

constexpr size_t kMaxLength = size_t{1} << 24;  // as a Secret

}  // namespace

template <>
struct HandleTraits<SecureMemory> {
  static constexpr HandleKind kKind = HandleKind::kSecureBuffer;
  static View sealable(const SecureMemory& memory) { return memory.secret.view(); }
};

namespace {

napi_value create(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  const size_t length = call.length(0);
  if (length == 0 || length > kMaxLength) call.refuse(Fault::kUsage);
  if (call.refused()) return call.refusal();
  auto secret = SecretBytes::allocate(length);
  if (!secret) return call.answer(secret.fault());
  auto memory = std::make_shared<SecureMemory>();
  memory->secret = std::move(*secret);
  return call.adopt(std::move(memory));
}

// The ArrayBuffer, once: it keeps the memory alive by itself, so that a view is never left dangling.
napi_value expose(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  const auto memory = call.pinned<SecureMemory>(0);
  if (call.refused() || memory->exposed) return call.answer(Fault::kUsage);
  auto keeper = std::make_unique<std::shared_ptr<SecureMemory>>(memory);
  const auto let_go = [](napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<SecureMemory>*>(hint); };
  napi_value buffer = nullptr;
  const napi_status status = napi_create_external_arraybuffer(env, memory->secret.data(), memory->secret.size(), let_go,
                                                              keeper.get(), &buffer);
  // A host whose V8 is caged (Electron) takes no memory from outside.
  if (status == napi_no_external_buffers_allowed) return call.answer(Fault::kConfig);
  if (status != napi_ok) return call.answer(Fault::kInternal);
  keeper.release();
  memory->exposed = true;
  return buffer;
}

napi_value wipe_memory(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  SecureMemory* const memory = call.object<SecureMemory>(0);
  if (call.refused()) return call.refusal();
  wipe(memory->secret.bytes());
  return call.number(0);
}

// For Node 20 alone, which has no ArrayBuffer.prototype.transfer. Node-API aborts where the ArrayBuffer has a detach
// key, as newer ones can have. An ArrayBuffer of another origin is refused.
napi_value detach(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  const SecureMemory* const memory = call.object<SecureMemory>(0);
  void* data = nullptr;
  size_t length = 0;
  const napi_node_version* version = nullptr;
  if (napi_get_node_version(env, &version) != napi_ok || version->major >= 22) call.refuse(Fault::kUsage);
  if (call.refused() || napi_get_arraybuffer_info(env, call.value(1), &data, &length) != napi_ok ||
      data != memory->secret.data() || length == 0)
    return call.answer(Fault::kUsage);
  return napi_detach_arraybuffer(env, call.value(1)) == napi_ok ? call.number(0) : call.answer(Fault::kInternal);
}

napi_value to_secret(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  const SecureMemory* const memory = call.object<SecureMemory>(0);
  if (call.refused()) return call.refusal();
  return call.answer_handle(SecretBytes::copy(memory->secret.view()));
}

napi_value wipe_bytes(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  const MutableView bytes = call.out(0);
  if (call.refused()) return call.refusal();
  wipe(bytes);
  return call.number(0);
}

// For the whole process: allocations that cannot be locked are refused from now on.
napi_value set_strict(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  const bool strict = call.flag(0);
  if (call.refused()) return call.refusal();
  set_secret_memory_strict(strict);
  return call.number(0);
}

}  // namespace

void register_memory(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"secureBuffer", create},        {"secureBufferExpose", expose},      {"secureBufferWipe", wipe_memory},
      {"secureBufferDetach", detach},  {"secureBufferToSecret", to_secret}, {"wipe", wipe_bytes},
      {"setStrictMemory", set_strict},
  };
  define(env, exports, kMethods);
}

}  // namespace tinymls::bind
