package tf

/*
#cgo linux LDFLAGS: -ldl
#include "float32.h"
*/
import "C"

// SetTensorFloat32 lets matrix products and convolutions of float32 on a GPU
// round what they multiply to TensorFloat-32, 10 bits of fraction in place of
// 23, or forbids it. TensorFlow allows it from the start. It holds for the whole
// process, for the runs that begin afterwards. False means that the library is
// of a version whose switch was not found: it does as it likes. A CPU takes no
// notice of it. Safe for concurrent use.
func SetTensorFloat32(allow bool) bool {
	var wanted C.int
	if allow {
		wanted = 1
	}
	return C.tf_set_tensor_float_32(wanted) == 1
}
