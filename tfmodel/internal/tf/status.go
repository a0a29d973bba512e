package tf

/*
#include "tensorflow/c/c_api.h"
*/
import "C"

import "fmt"

// Code is TensorFlow's error code; the numbers are those of gRPC's codes.
type Code int

// Error is a failure that TensorFlow reported.
type Error struct {
	// Op says what was asked of TensorFlow, such as "run".
	Op string
	// Code is its error code.
	Code Code
	// Message is its text. It may name files and graph nodes: for logs, not for
	// clients.
	Message string
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("tensorflow: %s: %s (code %d)", e.Op, e.Message, e.Code)
}

// IsShortage reports whether TensorFlow was short of something, such as memory, or
// a device was away: the same may go well later.
func (e *Error) IsShortage() bool {
	return e.Code == C.TF_RESOURCE_EXHAUSTED || e.Code == C.TF_UNAVAILABLE
}

// statusError is nil when the status is OK. The text is copied: the status may
// be deleted afterwards.
func statusError(op string, status *C.TF_Status) error {
	code := C.TF_GetCode(status)
	if code == C.TF_OK {
		return nil
	}
	return &Error{Op: op, Code: Code(code), Message: C.GoString(C.TF_Message(status))}
}
