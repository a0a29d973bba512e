#define _GNU_SOURCE
#include "float32.h"

#include <dlfcn.h>
#include <stdbool.h>

// tsl::enable_tensor_float_32_execution(bool) as TensorFlow 2.21.0 exports it.
// The C API has no such function.
static const char* enable = "_ZN3tsl32enable_tensor_float_32_executionEb";

int tf_set_tensor_float_32(int allow) {
  void (*set)(bool) = (void (*)(bool))dlsym(RTLD_DEFAULT, enable);
  if (!set) return 0;
  set(allow != 0);
  return 1;
}
