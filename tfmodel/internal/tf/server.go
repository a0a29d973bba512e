package tf

/*
#include "tensorflow/c/c_api.h"
*/
import "C"

import "unsafe"

// StartServer starts a server of TensorFlow's distributed runtime by a
// serialized ServerDef. It runs until the process ends: TensorFlow's gRPC server
// can't be stopped.
func StartServer(definition []byte) error {
	status := C.TF_NewStatus()
	defer C.TF_DeleteStatus(status)
	server := C.TF_NewServer(unsafe.Pointer(unsafe.SliceData(definition)), C.size_t(len(definition)), status)
	if err := statusError("new server", status); err != nil {
		return err
	}
	C.TF_ServerStart(server, status)
	return statusError("start server", status)
}
