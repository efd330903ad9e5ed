// Lets an addon built on a newer Debian load where glibc is 2.28, the oldest that Node's own binaries support.
//
// glibc 2.34 moved libpthread into libc and gave these functions a new symbol version; the first version of each is the
// same function and is still there. The linker sends every call, those inside libstdc++.a too, to the wrappers here
// (-Wl,--wrap), and these name the first version.
#include <pthread.h>
#include <signal.h>

#if defined(__x86_64__)
#define FIRST_VERSION "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define FIRST_VERSION "GLIBC_2.17"
#else
#error "no baseline for this architecture"
#endif

#define HIDDEN __attribute__((visibility("hidden")))
#define FIRST(name) __asm__(".symver first_" #name "," #name "@" FIRST_VERSION)

FIRST(pthread_create);
int first_pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
HIDDEN int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                                 void* argument) {
  return first_pthread_create(thread, attributes, start, argument);
}

FIRST(pthread_join);
int first_pthread_join(pthread_t, void**);
HIDDEN int __wrap_pthread_join(pthread_t thread, void** result) { return first_pthread_join(thread, result); }

FIRST(pthread_detach);
int first_pthread_detach(pthread_t);
HIDDEN int __wrap_pthread_detach(pthread_t thread) { return first_pthread_detach(thread); }

FIRST(pthread_attr_setstacksize);
int first_pthread_attr_setstacksize(pthread_attr_t*, size_t);
HIDDEN int __wrap_pthread_attr_setstacksize(pthread_attr_t* attributes, size_t size) {
  return first_pthread_attr_setstacksize(attributes, size);
}

FIRST(pthread_sigmask);
int first_pthread_sigmask(int, const sigset_t*, sigset_t*);
HIDDEN int __wrap_pthread_sigmask(int how, const sigset_t* set, sigset_t* old) {
  return first_pthread_sigmask(how, set, old);
}

FIRST(pthread_once);
int first_pthread_once(pthread_once_t*, void (*)(void));
HIDDEN int __wrap_pthread_once(pthread_once_t* once, void (*routine)(void)) {
  return first_pthread_once(once, routine);
}

FIRST(pthread_key_create);
int first_pthread_key_create(pthread_key_t*, void (*)(void*));
HIDDEN int __wrap_pthread_key_create(pthread_key_t* key, void (*destructor)(void*)) {
  return first_pthread_key_create(key, destructor);
}

FIRST(pthread_key_delete);
int first_pthread_key_delete(pthread_key_t);
HIDDEN int __wrap_pthread_key_delete(pthread_key_t key) { return first_pthread_key_delete(key); }

FIRST(pthread_getspecific);
void* first_pthread_getspecific(pthread_key_t);
HIDDEN void* __wrap_pthread_getspecific(pthread_key_t key) { return first_pthread_getspecific(key); }

FIRST(pthread_setspecific);
int first_pthread_setspecific(pthread_key_t, const void*);
HIDDEN int __wrap_pthread_setspecific(pthread_key_t key, const void* value) {
  return first_pthread_setspecific(key, value);
}

// glibc 2.32 tells libstdc++ through this variable whether locks may be left out. Always "no".
HIDDEN char __libc_single_threaded = 0;
