// Opens each library that TensorFlow's CUDA build opens, as it does, and prints a
// line for each: the name and what file it is, or why it does not load; then the
// versions, which a library without its companions may die of. Ends with 1 where TensorFlow would take no GPU.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>

struct library {
  const char *name;
  int needed;           // TensorFlow takes no GPU without it
  const char *version;  // a function that tells the version, or NULL
  int by_pointer;       // the function writes an int instead of returning a size_t
};

static const struct library libraries[] = {
    {"libcuda.so.1", 1, "cuDriverGetVersion", 1},
    {"libcudart.so.12", 1, "cudaRuntimeGetVersion", 1},
    {"libcublas.so.12", 1, NULL, 0},
    {"libcublasLt.so.12", 1, "cublasLtGetVersion", 0},
    {"libcufft.so.11", 1, "cufftGetVersion", 1},
    {"libcusolver.so.11", 1, "cusolverGetVersion", 1},
    {"libcusparse.so.12", 1, NULL, 0},
    {"libcudnn.so.9", 1, "cudnnGetVersion", 0},
    // What cuDNN opens itself for convolutions.
    {"libcudnn_graph.so.9", 1, NULL, 0},
    {"libcudnn_ops.so.9", 1, NULL, 0},
    {"libcudnn_cnn.so.9", 1, NULL, 0},
    {"libcudnn_heuristic.so.9", 1, NULL, 0},
    {"libcudnn_engines_precompiled.so.9", 1, NULL, 0},
    {"libcudnn_engines_runtime_compiled.so.9", 0, NULL, 0},
    // For what this program does not do.
    {"libcupti.so.12", 0, NULL, 0},
    {"libnccl.so.2", 0, NULL, 0},
    {"libnvshmem_host.so.3", 0, NULL, 0},
    {"libnvidia-ml.so.1", 0, NULL, 0},
};

static void print_version(const struct library *library) {
  void *handle = dlopen(library->name, RTLD_NOW | RTLD_LOCAL);
  void *function = handle && library->version ? dlsym(handle, library->version) : NULL;
  if (!function) return;
  int version = 0;
  if (library->by_pointer)
    ((int (*)(int *))function)(&version);
  else
    version = (int)((size_t(*)(void))function)();
  printf("%-40s version %d\n", library->name, version);
}

static int check(const struct library *library) {
  void *handle = dlopen(library->name, RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    printf("%-40s %s %s\n", library->name, library->needed ? "FAILED" : "-", dlerror());
    return library->needed;
  }
  struct link_map *map = NULL;
  dlinfo(handle, RTLD_DI_LINKMAP, &map);
  char *path = map ? realpath(map->l_name, NULL) : NULL;
  printf("%-40s ok %s\n", library->name, path ? path : "?");
  free(path);
  return 0;
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  const size_t count = sizeof libraries / sizeof *libraries;
  int failed = 0;
  for (size_t i = 0; i < count; i++) failed |= check(&libraries[i]);
  if (failed) puts("check-libs: TensorFlow takes no GPU where one marked FAILED is missing");
  for (size_t i = 0; i < count; i++) print_version(&libraries[i]);
  return failed;
}
