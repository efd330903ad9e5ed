#include "bind/worker.h"

namespace tinymls::bind {

namespace {

struct Pending {
  std::unique_ptr<Job> job;
  napi_deferred deferred = nullptr;
  napi_async_work work = nullptr;
};

void execute(napi_env, void* data) { static_cast<Pending*>(data)->job->run(); }

// Also runs while the environment goes down; N-API then refuses each call, and what the work made is dropped.
void complete(napi_env env, napi_status status, void* data) {
  const std::unique_ptr<Pending> pending(static_cast<Pending*>(data));
  napi_value value = status == napi_ok ? pending->job->settle(env) : nullptr;
  if (!value) value = async_number(env, -static_cast<double>(Fault::kInternal));
  if (value) napi_resolve_deferred(env, pending->deferred, value);
  napi_delete_async_work(env, pending->work);
}

}  // namespace

napi_value async_number(napi_env env, double value) {
  napi_value result = nullptr;
  return napi_create_double(env, value, &result) == napi_ok ? result : nullptr;
}

napi_value run_async(napi_env env, const char* name, std::unique_ptr<Job> job) {
  auto pending = std::make_unique<Pending>();
  pending->job = std::move(job);
  napi_value promise = nullptr, resource = nullptr;
  if (napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &resource) != napi_ok ||
      napi_create_async_work(env, nullptr, resource, execute, complete, pending.get(), &pending->work) != napi_ok)
    return async_number(env, -static_cast<double>(Fault::kInternal));
  if (napi_create_promise(env, &pending->deferred, &promise) != napi_ok ||
      napi_queue_async_work(env, pending->work) != napi_ok) {
    napi_delete_async_work(env, pending->work);
    return async_number(env, -static_cast<double>(Fault::kInternal));
  }
  pending.release();  // complete() owns it now
  return promise;
}

}  // namespace tinymls::bind
