// Work off the event loop, for operations that grow with their input.
//
//   return run_async(env, "argon2id", [inputs...] { return Result<...>; }, [](napi_env env, auto& result) { return
//   value; });
//
// The work owns all that it reads: copies of bytes (SecretBytes where they are secret) and pinned objects, so
// JavaScript may dispose or collect the handles meanwhile. It runs on a thread of Node's pool, without N-API. A worker
// that is terminated waits for it and drops what it made.
#pragma once

#include <node_api.h>

#include <memory>
#include <optional>
#include <utility>

#include "bind/environment.h"

namespace tinymls::bind {

class Job {
 public:
  virtual ~Job() = default;
  virtual void run() = 0;                       // off the event loop
  virtual napi_value settle(napi_env env) = 0;  // on it: what the promise resolves to
};

// A promise of what `settle` answers: by convention a number or an array of them, negative for a Fault, which
// TypeScript turns into a rejection.
napi_value run_async(napi_env env, const char* name, std::unique_ptr<Job> job);

template <class Work, class Settle>
napi_value run_async(napi_env env, const char* name, Work work, Settle settle) {
  using Outcome = decltype(work());
  class LambdaJob final : public Job {
   public:
    LambdaJob(Work work, Settle settle) : work_(std::move(work)), settle_(std::move(settle)) {}
    void run() override { outcome_.emplace((*work_)()), work_.reset(); }
    napi_value settle(napi_env env) override { return settle_(env, *outcome_); }

   private:
    std::optional<Work> work_;  // its inputs go as soon as it is done
    Settle settle_;
    std::optional<Outcome> outcome_;
  };
  return run_async(env, name, std::make_unique<LambdaJob>(std::move(work), std::move(settle)));
}

// At once where the work is `brief`: then what `settle` answers is no promise.
template <class Work, class Settle>
napi_value run_unless(bool brief, napi_env env, const char* name, Work work, Settle settle) {
  if (!brief) return run_async(env, name, std::move(work), std::move(settle));
  auto outcome = work();
  return settle(env, outcome);
}

// What a settle function answers.
napi_value async_number(napi_env env, double value);
template <class T>
napi_value async_handle(napi_env env, Result<T>& result) {
  Environment* const environment = environment_of(env);
  if (!environment) return nullptr;
  if (!result) return async_number(env, -static_cast<double>(result.fault()));
  const Result<double> handle = environment->handles.insert(std::make_shared<T>(std::move(*result)));
  return async_number(env, handle ? *handle : -static_cast<double>(handle.fault()));
}

}  // namespace tinymls::bind
