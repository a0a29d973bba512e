package tf

/*
#include <stdlib.h>
#include "tensorflow/c/c_api.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	binding "github.com/galeone/tensorflow/tensorflow/go"
)

// ErrClosed is returned by calls on a session that was closed.
var ErrClosed = errors.New("tensorflow session is closed")

// Session runs a graph. Runs may be concurrent with each other and with Close,
// which waits for them.
type Session struct {
	// mu: runs hold the read side, Close the write side. The binding's own
	// Close does not know of our runs; closing beside one is a crash in C.
	mu      sync.RWMutex
	session *C.TF_Session // nil once closed
	graph   *C.TF_Graph
	// owner closes session and graph, and keeps them from its finalizers.
	owner *binding.Session
	keep  []any
}

// Output is one output of an operation of the session's graph.
type Output struct{ c C.TF_Output }

// Operation is an operation of the session's graph.
type Operation struct{ c *C.TF_Operation }

// Feed is a value for an output of the graph. Data is copied before Run
// returns and stays the caller's.
type Feed struct {
	To    Output
	Type  DataType
	Shape []int64
	Data  []byte
}

// Fetch asks for the value of an output. It must have exactly this type and
// shape; Into, which stays the caller's, must have its size.
type Fetch struct {
	From  Output
	Type  DataType
	Shape []int64
	Into  []byte
}

// Output finds an output by its name, such as "head/similarity:0".
func (s *Session) Output(name string) (Output, error) {
	operation, index, hasIndex := strings.Cut(name, ":")
	number := 0
	if hasIndex {
		var err error
		if number, err = strconv.Atoi(index); err != nil {
			return Output{}, fmt.Errorf("output %q: %q is no number", name, index)
		}
	}
	found, err := s.Operation(operation)
	if err != nil {
		return Output{}, err
	}
	if count := int(C.TF_OperationNumOutputs(found.c)); number < 0 || number >= count {
		return Output{}, fmt.Errorf("output %q: the operation has %d outputs", name, count)
	}
	return Output{C.TF_Output{oper: found.c, index: C.int(number)}}, nil
}

// Operation finds an operation by its name.
func (s *Session) Operation(name string) (Operation, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.session == nil {
		return Operation{}, ErrClosed
	}
	cName := C.CString(name)
	defer C.free(unsafe.Pointer(cName))
	operation := C.TF_GraphOperationByName(s.graph, cName)
	if operation == nil {
		return Operation{}, fmt.Errorf("the graph has no operation %q", name)
	}
	return Operation{operation}, nil
}

// Run feeds, runs the targets and what the fetches need, and copies the fetched
// values out. It blocks until TensorFlow is done; nothing can interrupt it, so
// callers keep runs short. Errors are ErrClosed, *Error, or a mismatch of type
// or shape. Safe for concurrent use.
func (s *Session) Run(feeds []Feed, fetches []Fetch, targets ...Operation) error {
	return s.run(nil, feeds, fetches, targets)
}

// RunInline is Run on the thread that it is called from. It is for graphs of a
// few small operations: each of them would otherwise stand in line behind the
// convolutions of the runs beside it, for some 300 ms where those fill the
// machine.
func (s *Session) RunInline(feeds []Feed, fetches []Fetch) error {
	// RunOptions{inter_op_thread_pool: -1}, as the wire has it.
	inline := []byte{3 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}
	options := C.TF_NewBufferFromString(unsafe.Pointer(&inline[0]), C.size_t(len(inline))) // a copy
	defer C.TF_DeleteBuffer(options)
	return s.run(options, feeds, fetches, nil)
}

func (s *Session) run(options *C.TF_Buffer, feeds []Feed, fetches []Fetch, targets []Operation) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.session == nil {
		return ErrClosed
	}
	inputs, inputTensors, err := newTensors(feeds)
	if err != nil {
		return err
	}
	defer deleteTensors(inputTensors)
	outputs, outputTensors := make([]C.TF_Output, len(fetches)), make([]*C.TF_Tensor, len(fetches))
	for i, fetch := range fetches {
		outputs[i] = fetch.From.c
	}
	operations := make([]*C.TF_Operation, len(targets))
	for i, target := range targets {
		operations[i] = target.c
	}
	status := C.TF_NewStatus()
	defer C.TF_DeleteStatus(status)
	C.TF_SessionRun(s.session, options,
		first(inputs), first(inputTensors), C.int(len(inputs)),
		first(outputs), first(outputTensors), C.int(len(outputs)),
		first(operations), C.int(len(operations)), nil, status)
	runtime.KeepAlive(s.owner)
	if err := statusError("run", status); err != nil {
		return err
	}
	openTensors.Add(int64(len(outputTensors)))
	defer deleteTensors(outputTensors)
	for i, fetch := range fetches {
		if err := copyOut(outputTensors[i], fetch); err != nil {
			return err
		}
	}
	return nil
}

// newTensors copies the feeds into tensors that the caller has to delete.
func newTensors(feeds []Feed) (inputs []C.TF_Output, tensors []*C.TF_Tensor, err error) {
	for _, feed := range feeds {
		tensor, err := newTensor(feed.Type, feed.Shape, feed.Data)
		if err != nil {
			deleteTensors(tensors)
			return nil, nil, err
		}
		inputs, tensors = append(inputs, feed.To.c), append(tensors, tensor)
	}
	return inputs, tensors, nil
}

// first is the address of a slice's first element, nil for an empty one: what C
// takes for an array.
func first[T any](values []T) *T {
	if len(values) == 0 {
		return nil
	}
	return &values[0]
}

// Device is a device that the session can place operations on.
type Device struct {
	// Name is TensorFlow's full name, such as
	// "/job:localhost/replica:0/task:0/device:CPU:0".
	Name string
	// Type is "CPU", "GPU", …
	Type string
	// MemoryBytes is the memory that TensorFlow may use of it.
	MemoryBytes int64
}

// Devices lists the devices of the session.
func (s *Session) Devices() ([]Device, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.session == nil {
		return nil, ErrClosed
	}
	found, err := s.owner.ListDevices()
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	devices := make([]Device, len(found))
	for i, device := range found {
		devices[i] = Device{Name: device.Name, Type: device.Type, MemoryBytes: device.MemoryLimitBytes}
	}
	return devices, nil
}

// Close waits for the runs under way and gives the session's memory back.
// Closing twice is harmless.
func (s *Session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session == nil {
		return nil
	}
	s.session, s.graph = nil, nil
	err := s.owner.Close()
	s.keep = nil
	if err != nil {
		return fmt.Errorf("close session: %w", err)
	}
	return nil
}
