// A pool of threads for independent jobs: HPKE seals, signature checks, batches of frames.
#pragma once

#include <cstddef>

namespace tinymls {

// The processors that this process may run on, at least 1.
size_t pool_parallelism();

using PoolBody = void (*)(const void* object, size_t index);
void parallel_for(size_t count, PoolBody body, const void* object);

// Calls body(i) once for each i below `count`, in any order, and returns when all have ended. The calling thread takes
// its share of the work, so nested calls and calls from many threads at once end too. Blocks its caller: call it from
// an async worker, and from an event loop thread for what is brief alone. The other threads are started at first need
// and live as long as the process; where none can be started the caller does all of the work.
template <class Body>
void parallel_for(size_t count, const Body& body) {
  parallel_for(
      count, [](const void* object, size_t index) { (*static_cast<const Body*>(object))(index); }, &body);
}

// In order, on the calling thread alone where the work is `brief`.
template <class Body>
void parallel_unless(bool brief, size_t count, const Body& body) {
  if (!brief) return parallel_for(count, body);
  for (size_t i = 0; i < count; i++) body(i);
}

}  // namespace tinymls
