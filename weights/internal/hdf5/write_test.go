package hdf5_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/weights/internal/hdf5"
)

// write returns the tree as a file.
func write(t *testing.T, tree hdf5.Tree) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := hdf5.Write(&file, tree); err != nil {
		t.Fatalf("Write() = %v", err)
	}
	return file.Bytes()
}

// open opens a file held in memory.
func open(file []byte) (*hdf5.Group, error) {
	return hdf5.Open(bytes.NewReader(file), int64(len(file)))
}

// arrays returns n arrays of different names, shapes and values.
func arrays(n int) []hdf5.Array {
	list := make([]hdf5.Array, n)
	for i := range list {
		list[i] = hdf5.Array{Name: fmt.Sprintf("array%d", i), Shape: []int{1, i + 1}, Data: make([]float32, i+1)}
		for j := range list[i].Data {
			list[i].Data[j] = float32(i) + float32(j)/1024
		}
	}
	return list
}

func TestWriteReadsBack(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		giveArrays int
	}{
		{"no member", 0},
		{"one leaf", 8},
		{"two leaves", 9},
		{"as many as fit", hdf5.MaxMembers},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := arrays(tt.giveArrays)
			root, err := open(write(t, hdf5.Tree{Groups: []hdf5.Tree{{Name: "inner", Arrays: want}}}))
			if err != nil {
				t.Fatalf("Open() = %v", err)
			}
			inner, err := root.Group("inner")
			if err != nil {
				t.Fatalf("Group() = %v", err)
			}
			if got := len(inner.Members()); got != len(want) {
				t.Errorf("Members() has %d names, want %d", got, len(want))
			}
			for _, a := range want {
				got, err := readArray(root, "inner/"+a.Name)
				if err != nil {
					t.Fatalf("array %q: %v", a.Name, err)
				}
				got.Name = a.Name
				if diff := cmp.Diff(a, got); diff != "" {
					t.Errorf("array %q (-want +got):\n%s", a.Name, diff)
				}
			}
		})
	}
}

func readArray(root *hdf5.Group, path string) (hdf5.Array, error) {
	d, err := root.Dataset(path)
	if err != nil {
		return hdf5.Array{}, err
	}
	values, err := d.Float32s()
	return hdf5.Array{Name: path, Shape: d.Shape(), Data: values}, err
}

func TestWriteLongArray(t *testing.T) {
	t.Parallel()
	const values = 1<<18/4*2 + 5 // two whole pieces of reading and writing, and a part
	want := hdf5.Array{Name: "long", Shape: []int{values}, Data: make([]float32, values)}
	for i := range want.Data {
		want.Data[i] = float32(i)
	}
	root, err := open(write(t, hdf5.Tree{Arrays: []hdf5.Array{want}}))
	if err != nil {
		t.Fatalf("Open() = %v", err)
	}
	got, err := readArray(root, "long")
	if err != nil {
		t.Fatalf("readArray() = %v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("long array differs (-want +got):\n%.500s", diff)
	}
}

func TestWriteAttributes(t *testing.T) {
	t.Parallel()
	root, err := open(write(t, hdf5.Tree{Attributes: []hdf5.Attribute{
		{Name: "list", Values: []string{"a", "", "longest"}},
		{Name: "scalar", Values: []string{"tensorflow"}, Scalar: true},
		{Name: "empty"},
	}}))
	if err != nil {
		t.Fatalf("Open() = %v", err)
	}
	want := map[string][]string{"list": {"a", "", "longest"}, "scalar": {"tensorflow"}, "empty": nil}
	for name, want := range want {
		got, err := root.Strings(name)
		if err != nil {
			t.Fatalf("Strings(%q) = %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Strings(%q) (-want +got):\n%s", name, diff)
		}
		if !root.HasAttribute(name) {
			t.Errorf("HasAttribute(%q) = false, want true", name)
		}
	}
	if _, err := root.Strings("other"); !errors.Is(err, hdf5.ErrNotFound) {
		t.Errorf("Strings(other) = %v, want %v", err, hdf5.ErrNotFound)
	}
}

func TestWriteSameBytes(t *testing.T) {
	t.Parallel()
	tree := hdf5.Tree{Attributes: []hdf5.Attribute{{Name: "a", Values: []string{"b"}}}, Arrays: arrays(20)}
	if !bytes.Equal(write(t, tree), write(t, tree)) {
		t.Error("Write() gave different bytes for the same tree, want the same")
	}
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	one := []float32{1}
	tests := []struct {
		name string
		give hdf5.Tree
		want string
	}{
		{"too many members", hdf5.Tree{Arrays: arrays(hdf5.MaxMembers + 1)}, "257 members"},
		{"nameless array", hdf5.Tree{Arrays: []hdf5.Array{{Shape: []int{1}, Data: one}}}, `member name ""`},
		{"slash in a name", hdf5.Tree{Groups: []hdf5.Tree{{Name: "a/b"}}}, `member name "a/b"`},
		{"same name twice", hdf5.Tree{Groups: []hdf5.Tree{{Name: "a"}, {Name: "a"}}}, `member "a" twice`},
		{"scalar array", hdf5.Tree{Arrays: []hdf5.Array{{Name: "a", Data: one}}}, "0 dimensions"},
		{"zero dimension", hdf5.Tree{Arrays: []hdf5.Array{{Name: "a", Shape: []int{0}}}}, "shape [0]"},
		{"shape of another length", hdf5.Tree{Arrays: []hdf5.Array{{Name: "a", Shape: []int{2}, Data: one}}}, "shape [2] and 1 values"},
		{"shape shorter than the data", hdf5.Tree{Arrays: []hdf5.Array{{Name: "a", Shape: []int{1}, Data: []float32{1, 2}}}}, "shape [1] and 2 values"},
		{"deep down", hdf5.Tree{Groups: []hdf5.Tree{{Name: "a", Groups: []hdf5.Tree{{Name: "b"}, {Name: "b"}}}}}, `group "/a/": member "b" twice`},
		{"nameless attribute", hdf5.Tree{Attributes: []hdf5.Attribute{{}}}, `attribute name ""`},
		{"scalar of two", hdf5.Tree{Attributes: []hdf5.Attribute{{Name: "a", Values: []string{"b", "c"}, Scalar: true}}}, "2 values, want 1"},
		{"attribute above 64 KiB", hdf5.Tree{Attributes: []hdf5.Attribute{{Name: "a", Values: []string{strings.Repeat("x", 1<<16)}}}}, "want at most 65528"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var file bytes.Buffer
			err := hdf5.Write(&file, tt.give)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Write() = %v, want an error with %q", err, tt.want)
			}
			if file.Len() > 0 {
				t.Errorf("Write() wrote %d bytes, want none", file.Len())
			}
		})
	}
}

// brokenWriter takes left bytes and then fails.
type brokenWriter struct{ left int }

var errBroken = errors.New("disk full")

func (w *brokenWriter) Write(p []byte) (int, error) {
	if len(p) > w.left {
		return w.left, errBroken
	}
	w.left -= len(p)
	return len(p), nil
}

func TestWriteReportsWriter(t *testing.T) {
	t.Parallel()
	tree := hdf5.Tree{Arrays: arrays(3)}
	size := len(write(t, tree))
	for _, left := range []int{0, size - 24, size - 1} {
		if err := hdf5.Write(&brokenWriter{left}, tree); !errors.Is(err, errBroken) {
			t.Errorf("Write() to a writer of %d bytes = %v, want %v", left, err, errBroken)
		}
	}
	if err := hdf5.Write(&brokenWriter{size}, tree); err != nil {
		t.Errorf("Write() to a writer of %d bytes = %v, want no error", size, err)
	}
}
