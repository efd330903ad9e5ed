#include "bind/call.h"

#include <cmath>
#include <cstring>
#include <functional>

namespace tinymls::bind {

namespace {

// Views of no octets still point somewhere: OpenSSL takes null for "absent".
constexpr uint8_t kNothing[1] = {0};

}  // namespace

bool partly_overlap(View a, View b) {
  if (a.empty() || b.empty() || a.data() == b.data()) return false;
  const std::less<const uint8_t*> before;
  return before(a.data(), b.data() + b.size()) && before(b.data(), a.data() + a.size());
}

CallReader::CallReader(napi_env env, napi_callback_info info, napi_value* arguments, size_t capacity)
    : env_(env), arguments_(arguments), capacity_(capacity), count_(capacity) {
  void* data = nullptr;
  if (napi_get_cb_info(env, info, &count_, arguments, nullptr, &data) != napi_ok) {
    capacity_ = count_ = 0;
    refuse(Fault::kInternal);
    return;
  }
  environment_ = static_cast<Environment*>(data);
  if (count_ > capacity_) refuse(Fault::kUsage);
}

napi_value CallReader::number(double value) const {
  napi_value result = nullptr;
  napi_create_double(env_, value, &result);
  return result;
}

napi_value CallReader::answer_handles(NewHandles& handles, MutableView out) const {
  if (out.size() != handles.count() * sizeof(double)) return answer(Fault::kUsage);
  const std::vector<double> kept = handles.keep();
  if (!kept.empty()) std::memcpy(out.data(), kept.data(), out.size());
  return number(static_cast<double>(kept.size()));
}

bool CallReader::read_number(size_t index, double& value) const {
  return index < capacity_ && napi_get_value_double(env_, arguments_[index], &value) == napi_ok;
}

double CallReader::any_number(size_t index) {
  double value;
  if (read_number(index, value)) return value;
  refuse(Fault::kUsage);
  return std::nan("");
}

bool CallReader::absent(size_t index) const {
  napi_valuetype type = napi_undefined;
  if (index < capacity_) napi_typeof(env_, arguments_[index], &type);
  return type == napi_undefined || type == napi_null;
}

View CallReader::bytes(size_t index) {
  napi_typedarray_type type = napi_uint8_array;
  napi_value memory = nullptr;
  const View view = read_bytes(index, &type, &memory);
  // To N-API a SharedArrayBuffer is no ArrayBuffer.
  bool exclusive = false;
  if (memory && (napi_is_arraybuffer(env_, memory, &exclusive) != napi_ok || !exclusive)) refuse(Fault::kUsage);
  return view;
}

View CallReader::bytes_of_any_memory(size_t index) {
  napi_typedarray_type type = napi_uint8_array;
  return read_bytes(index, &type, nullptr);
}

View CallReader::bytes_of_known_array(size_t index) { return read_bytes(index, nullptr, nullptr); }

View CallReader::optional_bytes_of_any_memory(size_t index) {
  bool array = false;  // asked first: cheaper than the type of the value, which is undefined as a rule
  if (index >= count_ || napi_is_typedarray(env_, arguments_[index], &array) != napi_ok) return {};
  return array || !absent(index) ? bytes_of_any_memory(index) : View{};
}

View CallReader::read_bytes(size_t index, napi_typedarray_type* type, napi_value* memory) {
  size_t length = 0;
  void* data = nullptr;
  if (index >= capacity_ ||
      napi_get_typedarray_info(env_, arguments_[index], type, &length, &data, memory, nullptr) != napi_ok ||
      (type && *type != napi_uint8_array)) {
    refuse(Fault::kUsage);
    return {kNothing, 0};
  }
  if (length != 0) return {static_cast<const uint8_t*>(data), length};
  napi_value empty = nullptr;
  bool detached = false;
  if (napi_get_typedarray_info(env_, arguments_[index], nullptr, nullptr, nullptr, &empty, nullptr) != napi_ok ||
      napi_is_detached_arraybuffer(env_, empty, &detached) != napi_ok || detached)
    refuse(Fault::kUsage);
  return {kNothing, 0};
}

View CallReader::secret_or_bytes(size_t index) {
  double handle;
  if (!read_number(index, handle)) return bytes(index);
  View secret;
  if (!handles().secret(handle, secret)) refuse(Fault::kUsage);
  return secret;
}

View CallReader::sealable_or_bytes(size_t index) {
  double handle;
  if (!read_number(index, handle)) return bytes(index);
  View secret;
  if (!handles().sealable(handle, secret)) refuse(Fault::kUsage);
  return secret;
}

}  // namespace tinymls::bind
