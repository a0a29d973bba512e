package tf

/*
#include "tensorflow/c/c_api.h"
*/
import "C"

import (
	"fmt"
	"reflect"
	"unsafe"

	binding "github.com/galeone/tensorflow/tensorflow/go"
	"github.com/galeone/tfgo"
)

// Load reads a SavedModel through tfgo and returns its session and signatures.
// The tag is "serve". config is a serialized ConfigProto, nil for TensorFlow's
// defaults. tfgo panics where the folder is no SavedModel; that comes back as
// an error here.
func Load(dir string, config []byte) (session *Session, signatures map[string]binding.Signature, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			session, signatures, err = nil, nil, fmt.Errorf("load SavedModel %q: %v", dir, problem)
		}
	}()
	model := tfgo.LoadModel(dir, []string{"serve"}, &binding.SessionOptions{Config: config})
	saved, err := savedModelOf(model)
	if err != nil {
		return nil, nil, err
	}
	session, err = Borrow(saved.Session, saved.Graph)
	if err != nil {
		return nil, nil, err
	}
	// The model's finalizer closes the session: it has to stay reachable.
	session.keep = append(session.keep, model)
	return session, saved.Signatures, nil
}

// Borrow makes a Session of one of the binding's. The binding's session must
// not be used or closed by the caller any more.
func Borrow(session *binding.Session, graph *binding.Graph) (*Session, error) {
	cSession, err := pointerField(session, "c", "_Ctype_struct_TF_Session")
	if err != nil {
		return nil, err
	}
	cGraph, err := pointerField(graph, "c", "_Ctype_struct_TF_Graph")
	if err != nil {
		return nil, err
	}
	return &Session{
		session: (*C.TF_Session)(cSession),
		graph:   (*C.TF_Graph)(cGraph),
		owner:   session,
		keep:    []any{graph},
	}, nil
}

// savedModelOf reaches the SavedModel that tfgo keeps to itself; it offers no
// Close, no signatures and no errors.
func savedModelOf(model *tfgo.Model) (*binding.SavedModel, error) {
	saved, err := pointerField(model, "saved", "SavedModel")
	if err != nil {
		return nil, err
	}
	return (*binding.SavedModel)(saved), nil
}

// pointerField reads an unexported pointer field. The versions of the binding
// and of tfgo are pinned; should one change its fields after all, this says so
// instead of reading something else.
func pointerField(owner any, name, wantType string) (unsafe.Pointer, error) {
	value := reflect.ValueOf(owner)
	if value.Kind() != reflect.Pointer || value.IsNil() {
		return nil, fmt.Errorf("%T: got nil, want a pointer to a struct", owner)
	}
	field := value.Elem().FieldByName(name)
	if !field.IsValid() || field.Kind() != reflect.Pointer || field.Type().Elem().Name() != wantType {
		return nil, fmt.Errorf("%T has no field %q that points to a %s: the pinned version of the binding was changed", owner, name, wantType)
	}
	if field.IsNil() {
		return nil, fmt.Errorf("%T: field %q is nil", owner, name)
	}
	return field.UnsafePointer(), nil
}
