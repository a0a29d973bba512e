package tf

/*
#cgo linux LDFLAGS: -ldl
#include <stdlib.h>
#include "gpu.h"
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// GPU is what the driver says of a GPU.
type GPU struct {
	Name              string // such as "NVIDIA H100 80GB HBM3"
	Driver            string // its version, such as "580.159.04"; empty if unknown
	ComputeCapability string // such as "9.0"; empty if unknown
	TotalBytes        int64
	UsedBytes         int64 // of all processes
}

// ReadGPU asks the driver about a GPU by its number, from 0, as the driver counts
// them: CUDA_VISIBLE_DEVICES is not looked at. False means that there is no
// driver or no such GPU. Safe for concurrent use.
func ReadGPU(number int) (GPU, bool) {
	var info C.tf_gpu_info
	if C.tf_gpu_read(C.int(number), &info) == 0 {
		return GPU{}, false
	}
	gpu := GPU{
		Name: C.GoString(&info.name[0]), Driver: C.GoString(&info.driver[0]),
		TotalBytes: int64(info.memory_total), UsedBytes: int64(info.memory_used),
	}
	if info.compute_major > 0 {
		gpu.ComputeCapability = fmt.Sprintf("%d.%d", int(info.compute_major), int(info.compute_minor))
	}
	return gpu, true
}

// GPULibrary is one of CUDA's libraries that this process has loaded.
type GPULibrary struct {
	Name string
	// Version is in the library's own form, such as 12090 for CUDA 12.9 and 91002
	// for cuDNN 9.10.2.
	Version uint64
}

// gpuLibraries are those that tell their version without a handle. TensorFlow
// loads them under these names.
var gpuLibraries = []struct {
	name, file, function string
	byPointer            bool
}{
	{"CUDA of the driver", "libcuda.so.1", "cuDriverGetVersion", true},
	{"CUDA runtime", "libcudart.so.12", "cudaRuntimeGetVersion", true},
	{"cuBLASLt", "libcublasLt.so.12", "cublasLtGetVersion", false},
	{"cuDNN", "libcudnn.so.9", "cudnnGetVersion", false},
	{"NCCL", "libnccl.so.2", "ncclGetVersion", true},
}

// GPULibraries lists the libraries that are loaded, which they are once a session
// has found a GPU.
func GPULibraries() []GPULibrary {
	var loaded []GPULibrary
	for _, library := range gpuLibraries {
		if version := libraryVersion(library.file, library.function, library.byPointer); version > 0 {
			loaded = append(loaded, GPULibrary{Name: library.name, Version: version})
		}
	}
	return loaded
}

func libraryVersion(file, function string, byPointer bool) uint64 {
	cFile, cFunction := C.CString(file), C.CString(function)
	defer C.free(unsafe.Pointer(cFile))
	defer C.free(unsafe.Pointer(cFunction))
	var pointer C.int
	if byPointer {
		pointer = 1
	}
	return uint64(C.tf_gpu_library_version(cFile, cFunction, pointer))
}
