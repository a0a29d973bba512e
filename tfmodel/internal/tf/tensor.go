package tf

/*
#include "tensorflow/c/c_api.h"
*/
import "C"

import (
	"fmt"
	"slices"
	"unsafe"
)

// DataType is a tensor's element type, numbered as in TensorFlow's DataType.
type DataType int

// The element types that this program feeds and fetches.
const (
	Float32 DataType = C.TF_FLOAT
	Int32   DataType = C.TF_INT32
	Uint8   DataType = C.TF_UINT8
)

// Size is the number of bytes of one element, 0 for a type that this package
// does not know.
func (t DataType) Size() int {
	switch t {
	case Float32, Int32:
		return 4
	case Uint8:
		return 1
	}
	return 0
}

// Float32Bytes views floats as the bytes that they are in memory, without a
// copy: valid as long as the slice is, and changing with it.
func Float32Bytes(values []float32) []byte {
	if len(values) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&values[0])), len(values)*4)
}

// byteSize is the size of a tensor of this type and shape.
func byteSize(dataType DataType, shape []int64) int {
	size := dataType.Size()
	for _, dim := range shape {
		size *= int(dim)
	}
	return size
}

// newTensor copies data into a tensor that the caller has to delete.
func newTensor(dataType DataType, shape []int64, data []byte) (*C.TF_Tensor, error) {
	if want := byteSize(dataType, shape); want != len(data) || want == 0 {
		return nil, fmt.Errorf("feed of type %d and shape %v: got %d bytes, want %d", dataType, shape, len(data), want)
	}
	var dims *C.int64_t
	if len(shape) > 0 {
		dims = (*C.int64_t)(unsafe.Pointer(&shape[0]))
	}
	tensor := C.TF_AllocateTensor(C.TF_DataType(dataType), dims, C.int(len(shape)), C.size_t(len(data)))
	if tensor == nil {
		return nil, fmt.Errorf("feed of shape %v: no memory for %d bytes", shape, len(data))
	}
	openTensors.Add(1)
	copy(tensorBytes(tensor), data)
	return tensor, nil
}

// tensorBytes views a tensor's memory: valid until it is deleted.
func tensorBytes(tensor *C.TF_Tensor) []byte {
	return unsafe.Slice((*byte)(C.TF_TensorData(tensor)), int(C.TF_TensorByteSize(tensor)))
}

// copyOut copies a result to where it was asked for, when it is what was asked
// for.
func copyOut(tensor *C.TF_Tensor, fetch Fetch) error {
	shape := make([]int64, C.TF_NumDims(tensor))
	for i := range shape {
		shape[i] = int64(C.TF_Dim(tensor, C.int(i)))
	}
	dataType := DataType(C.TF_TensorType(tensor))
	if dataType != fetch.Type || !slices.Equal(shape, fetch.Shape) {
		return fmt.Errorf("fetch: got type %d and shape %v, want type %d and shape %v", dataType, shape, fetch.Type, fetch.Shape)
	}
	data := tensorBytes(tensor)
	if len(data) != len(fetch.Into) {
		return fmt.Errorf("fetch of shape %v: got %d bytes, want %d", shape, len(data), len(fetch.Into))
	}
	copy(fetch.Into, data)
	return nil
}

// deleteTensors frees those that are there.
func deleteTensors(tensors []*C.TF_Tensor) {
	for _, tensor := range tensors {
		if tensor != nil {
			C.TF_DeleteTensor(tensor)
			openTensors.Add(-1)
		}
	}
}
