#define _GNU_SOURCE
#include "switches.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

// absl::SetMinLogLevel as TensorFlow 2.21.0 exports it.
static const char* set_min_log_level = "_ZN4absl12lts_2025081414SetMinLogLevelENS0_18LogSeverityAtLeastE";

// absl::LogSeverityAtLeast::kError and kFatal.
enum { severity_error = 2, severity_fatal = 3 };

// tensorflow::IsGoogleCudaEnabled(): whether the library was built for CUDA.
static const char* is_cuda_enabled = "_ZN10tensorflow19IsGoogleCudaEnabledEv";

// lacks_driver reports whether the library is for CUDA and this machine has no
// driver, which TensorFlow would log as an error at each start.
static bool lacks_driver(void) {
  bool (*is_enabled)(void) = (bool (*)(void))dlsym(RTLD_DEFAULT, is_cuda_enabled);
  if (!is_enabled || !is_enabled()) return false;
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (!driver) return true;
  dlclose(driver);
  return false;
}

int tf_quiet(void) {
  void (*set)(int) = (void (*)(int))dlsym(RTLD_DEFAULT, set_min_log_level);
  if (!set) return 0;
  set(lacks_driver() ? severity_fatal : severity_error);
  return 1;
}

// tsl::enable_tensor_float_32_execution(bool) as TensorFlow 2.21.0 exports it.
static const char* enable_tensor_float_32 = "_ZN3tsl32enable_tensor_float_32_executionEb";

int tf_set_tensor_float_32(int allow) {
  void (*set)(bool) = (void (*)(bool))dlsym(RTLD_DEFAULT, enable_tensor_float_32);
  if (!set) return 0;
  set(allow != 0);
  return 1;
}

#ifdef __linux__
// The library's constructors log a line about oneDNN before main, whatever the
// log level. Standard error is turned away while they run: from .preinit_array,
// the only thing of a program that comes before its libraries' constructors, to
// the program's own constructors, which come after. With TF_CPP_MIN_LOG_LEVEL set
// the line is wanted, and nothing is turned away.
static int standard_error = -1;

static void turn_away(int argc, char** argv, char** envp) {
  (void)argc;
  (void)argv;
  for (; envp && *envp; envp++) {
    if (strncmp(*envp, "TF_CPP_MIN_LOG_LEVEL=", 21) == 0) return;
  }
  int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere < 0) return;
  standard_error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (standard_error >= 0) dup2(nowhere, STDERR_FILENO);
  close(nowhere);
}

__attribute__((section(".preinit_array"), used)) static void (*before_libraries)(int, char**, char**) = turn_away;

__attribute__((constructor)) static void turn_back(void) {
  if (standard_error < 0) return;
  dup2(standard_error, STDERR_FILENO);
  close(standard_error);
}
#endif
