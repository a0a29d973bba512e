package tf

/*
#cgo linux LDFLAGS: -ldl
#include "switches.h"
*/
import "C"

// Quiet makes TensorFlow log nothing below errors, and nothing at all where its
// library is for CUDA and there is no driver, which it would call an error at each
// start; what fails is an error of the call. TensorFlow 2.21 reads
// TF_CPP_MIN_LOG_LEVEL before the program begins, too early for it to be set
// here; this sets the logger's level itself. False means that the library is of
// another version, whose logger was not found: its log stays on.
func Quiet() bool {
	return C.tf_quiet() == 1
}

// SetTensorFloat32 lets matrix products and convolutions of float32 on a GPU
// round what they multiply to TensorFloat-32, 10 bits of fraction in place of
// 23, or forbids it. TensorFlow allows it from the start. It holds for the whole
// process, for the runs that begin afterwards. False means that the library is
// of another version, whose switch was not found: TensorFlow's default stays. A
// CPU ignores it. Safe for concurrent use.
func SetTensorFloat32(allow bool) bool {
	var wanted C.int
	if allow {
		wanted = 1
	}
	return C.tf_set_tensor_float_32(wanted) == 1
}
