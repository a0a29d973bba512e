#include "gpu.h"

#include <dlfcn.h>
#include <string.h>

// The parts of nvml.h that are used: its ABI is stable by its own rule.
typedef void* nvml_device;
typedef struct {
  unsigned long long total, free, used;
} nvml_memory;

int tf_gpu_read(int number, tf_gpu_info* info) {
  memset(info, 0, sizeof *info);
  void* nvml = dlopen("libnvidia-ml.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (!nvml) return 0;
  int (*init)(void) = (int (*)(void))dlsym(nvml, "nvmlInit_v2");
  int (*shut_down)(void) = (int (*)(void))dlsym(nvml, "nvmlShutdown");
  int (*find)(unsigned, nvml_device*) = (int (*)(unsigned, nvml_device*))dlsym(nvml, "nvmlDeviceGetHandleByIndex_v2");
  int (*name)(nvml_device, char*, unsigned) = (int (*)(nvml_device, char*, unsigned))dlsym(nvml, "nvmlDeviceGetName");
  int (*driver)(char*, unsigned) = (int (*)(char*, unsigned))dlsym(nvml, "nvmlSystemGetDriverVersion");
  int (*capability)(nvml_device, int*, int*) = (int (*)(nvml_device, int*, int*))dlsym(nvml, "nvmlDeviceGetCudaComputeCapability");
  int (*memory)(nvml_device, nvml_memory*) = (int (*)(nvml_device, nvml_memory*))dlsym(nvml, "nvmlDeviceGetMemoryInfo");
  int found = 0;
  if (init && shut_down && find && name && driver && capability && memory && init() == 0) {
    nvml_device device;
    nvml_memory bytes;
    if (find((unsigned)number, &device) == 0 && name(device, info->name, sizeof info->name) == 0 && memory(device, &bytes) == 0) {
      found = 1;
      info->memory_total = bytes.total;
      info->memory_used = bytes.used;
      // Without these two there is still something to tell.
      if (driver(info->driver, sizeof info->driver) != 0) info->driver[0] = 0;
      if (capability(device, &info->compute_major, &info->compute_minor) != 0) info->compute_major = info->compute_minor = 0;
    }
    shut_down();
  }
  dlclose(nvml);
  return found;
}

unsigned long long tf_gpu_library_version(const char* library, const char* function, int by_pointer) {
  void* loaded = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
  if (!loaded) return 0;
  unsigned long long version = 0;
  void* found = dlsym(loaded, function);
  if (found && by_pointer) {
    int number = 0;
    if (((int (*)(int*))found)(&number) == 0 && number > 0) version = (unsigned long long)number;
  } else if (found) {
    version = (unsigned long long)((size_t(*)(void))found)();
  }
  dlclose(loaded);
  return version;
}
