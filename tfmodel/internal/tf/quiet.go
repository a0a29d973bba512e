package tf

/*
#cgo linux LDFLAGS: -ldl
#include "quiet.h"
*/
import "C"

// Quiet makes TensorFlow log nothing below errors. TensorFlow 2.21 reads
// TF_CPP_MIN_LOG_LEVEL before the program begins, too early for it to be set
// here; this sets the logger's level itself. False means that the library is of
// another version, whose logger was not found: it logs as it likes.
func Quiet() bool {
	return C.tf_quiet() == 1
}
