// Package tf runs TensorFlow sessions with tensors that live exactly as long as
// a call. It is the only package with import "C".
//
// The Go binding frees its tensors by finalizers, and Go's collector does not
// feel native memory: a server that used them grew by gigabytes. Here a run
// allocates its tensors, copies in, runs, copies out and deletes them in one
// function. The session itself is the binding's, borrowed, so that tfgo, which loads
// models, stays the owner of what it loaded.
package tf

/*
#cgo LDFLAGS: -ltensorflow
#include "tensorflow/c/c_api.h"

// Any libc header defines __GLIBC__ where the library is glibc.
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
static void trim(void) { malloc_trim(0); }
#else
static void trim(void) {}
#endif
*/
import "C"

import "sync/atomic"

// Version is the version of the TensorFlow library in this process, such as
// "2.21.0".
func Version() string {
	return C.GoString(C.TF_Version())
}

// openTensors counts what is allocated and not yet deleted.
var openTensors atomic.Int64

// OpenTensors is the number of tensors that runs under way hold. It is 0 when
// no run is: tests end by checking that. Safe for concurrent use.
func OpenTensors() int64 {
	return openTensors.Load()
}

// TrimMemory gives freed memory back to the system, if the C library can. It is
// worth a call after loading or closing a model, whose parts leave holes: 430 MB
// instead of 530 were measured. It takes milliseconds.
func TrimMemory() {
	C.trim()
}
