// SPDX-License-Identifier: Apache-2.0
// Linked into sanitizer builds only: the inference engine's threading library opens a helper with
// RTLD_DEEPBIND, which the sanitizers' runtimes refuse.
#include <dlfcn.h>

extern "C" void* dlopen(const char* name, int flags) {
  using Open = void* (*)(const char*, int);
  static const Open next = reinterpret_cast<Open>(dlsym(RTLD_NEXT, "dlopen"));
  return next(name, flags & ~RTLD_DEEPBIND);
}
