// What a GPU and its libraries say about themselves.

typedef struct {
  char name[96];
  char driver[80];
  int compute_major, compute_minor;
  unsigned long long memory_total, memory_used;  // bytes
} tf_gpu_info;

// tf_gpu_read asks the driver's management library about a GPU, by its number
// from 0; 0 if there is no such library or no such GPU.
int tf_gpu_read(int number, tf_gpu_info* info);

// tf_gpu_library_version asks a library that this process has loaded for its
// version, as a number in the library's own form; 0 if it is not loaded.
// The function takes nothing and returns it (by_pointer 0), or puts it where its
// argument points to (by_pointer 1).
unsigned long long tf_gpu_library_version(const char* library, const char* function, int by_pointer);
