package tfmodel_test

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"siamese/tfmodel"
)

// TestIsTransient: what passes, as the system says it and as TensorFlow passes its
// words on, and what does not.
func TestIsTransient(t *testing.T) {
	tests := []struct {
		give error
		want bool
	}{
		{nil, false},
		{&fs.PathError{Op: "open", Path: "model.json", Err: syscall.EMFILE}, true},
		{fmt.Errorf("%w: unpack: %w", tfmodel.ErrModel, &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}), true},
		{errors.New("load SavedModel: /models/2/saved_model.pb; Too many open files"), true},
		{errors.New("load SavedModel: /models/2/variables/variables.index; Input/output error"), true},
		{&fs.PathError{Op: "open", Path: "model.json", Err: syscall.ENOENT}, false},
		{&fs.PathError{Op: "open", Path: "model.json", Err: syscall.EACCES}, false},
		{errors.New("its file saved_model.pb is damaged or half-written"), false},
		{tfmodel.ErrModel, false},
	}
	for _, tt := range tests {
		if got := tfmodel.IsTransient(tt.give); got != tt.want {
			t.Errorf("IsTransient(%v) = %v, want %v", tt.give, got, tt.want)
		}
	}
}
