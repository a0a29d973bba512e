package hdf5_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/weights/internal/hdf5"
)

const testdata = "../../../testdata/weights"

// TestRefusesForeignFiles reads files that the HDF5 library wrote with parts that are not
// read here.
func TestRefusesForeignFiles(t *testing.T) {
	t.Parallel()
	tests := []struct{ giveFile, want string }{
		{"chunked.h5", "chunked data layout"},
		{"compressed.h5", "filter pipeline"},
		{"compact.h5", "compact data layout"},
		{"float64.h5", "float of 8 bytes"},
		{"float16.h5", "float of 2 bytes"},
		{"int32.h5", "integer of 4 bytes"},
		{"big_endian.h5", "big-endian float of 4 bytes"},
		{"never_written.h5", "never written"},
		{"no_elements.h5", "without elements"},
		{"shared_type.h5", "shared message"},
		{"soft_link.h5", `soft link "values"`},
		{"superblock_2.h5", "superblock version"},
	}
	for _, tt := range tests {
		t.Run(tt.giveFile, func(t *testing.T) {
			t.Parallel()
			file, err := os.ReadFile(filepath.Join(testdata, "refused", tt.giveFile))
			if err != nil {
				t.Fatal(err)
			}
			root, err := open(file)
			if err == nil {
				_, err = root.Dataset("values")
			}
			if !errors.Is(err, hdf5.ErrUnsupported) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Dataset(values) = %v, want %v with %q", err, hdf5.ErrUnsupported, tt.want)
			}
		})
	}
}

// TestReadsVariableLengthStrings reads names that h5py kept in a global heap.
func TestReadsVariableLengthStrings(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(filepath.Join(testdata, "keras1_notop.h5"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := open(file)
	if err != nil {
		t.Fatalf("Open() = %v", err)
	}
	group, err := root.Group("block1_conv1")
	if err != nil {
		t.Fatalf("Group() = %v", err)
	}
	got, err := group.Strings("weight_names")
	if err != nil {
		t.Fatalf("Strings() = %v", err)
	}
	want := []string{"block1_conv1_W_1:0", "block1_conv1_b_1:0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Strings() (-want +got):\n%s", diff)
	}
}

// patch returns a copy of file with the bytes at offset after the only (or first)
// occurrence of mark replaced.
func patch(t *testing.T, file []byte, mark string, offset int, with ...byte) []byte {
	t.Helper()
	at := bytes.Index(file, []byte(mark))
	if at < 0 {
		t.Fatalf("no mark %q in the file", mark)
	}
	patched := bytes.Clone(file)
	copy(patched[at+offset:], with)
	return patched
}

func number(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

// TestRefusesDamage changes single fields of a sound file.
func TestRefusesDamage(t *testing.T) {
	t.Parallel()
	sound := write(t, hdf5.Tree{
		Attributes: []hdf5.Attribute{{Name: "names", Values: []string{"x", "y"}}},
		Arrays:     []hdf5.Array{{Name: "values", Shape: []int{2, 3}, Data: make([]float32, 6)}},
	})
	const (
		start     = hdf5.Signature
		datatype  = "\x11\x20\x1f\x00"
		dataspace = "\x01\x02\x00\x00\x00\x00\x00\x00"
		layout    = "\x03\x01"
		attribute = "\x01\x00\x06\x00\x08\x00"
	)
	tests := []struct {
		name string
		give []byte
		want error
	}{
		{"empty", nil, hdf5.ErrCorrupt},
		{"another signature", patch(t, sound, start, 1, 'h'), hdf5.ErrCorrupt},
		{"superblock version", patch(t, sound, start, 8, 3), hdf5.ErrUnsupported},
		{"offset size", patch(t, sound, start, 13, 4), hdf5.ErrUnsupported},
		{"base address", patch(t, sound, start, 24, 1), hdf5.ErrUnsupported},
		{"driver block", patch(t, sound, start, 48, number(96)...), hdf5.ErrUnsupported},
		{"cut short", sound[:len(sound)-1], hdf5.ErrCorrupt},
		{"root outside the file", patch(t, sound, start, 64, number(1<<40)...), hdf5.ErrCorrupt},
		{"root near the largest address", patch(t, sound, start, 64, number(1<<64-8)...), hdf5.ErrCorrupt},
		{"tree signature", patch(t, sound, "TREE", 0, 'X'), hdf5.ErrCorrupt},
		{"tree of chunks", patch(t, sound, "TREE", 4, 1), hdf5.ErrCorrupt},
		{"deep tree", patch(t, sound, "TREE", 5, 9), hdf5.ErrCorrupt},
		{"level above nothing", patch(t, sound, "TREE", 5, 1), hdf5.ErrCorrupt},
		{"leaf signature", patch(t, sound, "SNOD", 3, 'd'), hdf5.ErrCorrupt},
		{"leaf with too many entries", patch(t, sound, "SNOD", 6, 0xff, 0xff), hdf5.ErrCorrupt},
		{"soft link", patch(t, sound, "SNOD", 8+16, 2), hdf5.ErrUnsupported},
		{"name outside the heap", patch(t, sound, "SNOD", 8, 0xff), hdf5.ErrCorrupt},
		{"heap outside the file", patch(t, sound, "HEAP", 24, number(1<<40)...), hdf5.ErrCorrupt},
		{"huge heap", patch(t, sound, "HEAP", 8, number(1<<62)...), hdf5.ErrCorrupt},
		{"array type", patch(t, sound, datatype, 4, 8), hdf5.ErrUnsupported},
		{"array type version", patch(t, sound, datatype, 0, 0x51), hdf5.ErrUnsupported},
		{"array of another size", patch(t, sound, dataspace, 8, number(3)...), hdf5.ErrCorrupt},
		{"huge array", patch(t, sound, dataspace, 8, number(1<<62)...), hdf5.ErrCorrupt},
		{"array with a product that wraps", patch(t, sound, dataspace, 8, append(number(1<<63), number(2)...)...), hdf5.ErrCorrupt},
		{"array without elements", patch(t, sound, dataspace, 8, number(0)...), hdf5.ErrUnsupported},
		{"dataspace version", patch(t, sound, dataspace, 0, 3), hdf5.ErrUnsupported},
		{"dataspace rank", patch(t, sound, dataspace, 1, 33), hdf5.ErrUnsupported},
		{"layout version", patch(t, sound, layout, 0, 4), hdf5.ErrUnsupported},
		{"data outside the file", patch(t, sound, layout, 2, number(1<<40)...), hdf5.ErrCorrupt},
		{"data of another size", patch(t, sound, layout, 10, number(23)...), hdf5.ErrCorrupt},
		{"attribute version", patch(t, sound, attribute, 0, 4), hdf5.ErrUnsupported},
		{"attribute name longer than the message", patch(t, sound, attribute, 2, 0xff, 0xff), hdf5.ErrCorrupt},
		{"strings without size", patch(t, sound, "\x13\x01\x00\x00", 4, 0), hdf5.ErrCorrupt},
		{"strings longer than the data", patch(t, sound, "\x13\x01\x00\x00", 4, 0xff), hdf5.ErrCorrupt},
		{"strings of numbers", patch(t, sound, "\x13\x01\x00\x00", 0, 0x10), hdf5.ErrUnsupported},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := readAll(tt.give); !errors.Is(err, tt.want) {
				t.Errorf("reading = %v, want %v", err, tt.want)
			}
		})
	}
	if err := readAll(sound); err != nil {
		t.Errorf("reading the sound file = %v, want no error", err)
	}
}

// readAll reads everything of the file that TestRefusesDamage damages.
func readAll(file []byte) error {
	root, err := open(file)
	if err != nil {
		return err
	}
	if _, err := root.Strings("names"); err != nil {
		return err
	}
	_, err = readArray(root, "values")
	return err
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	root, err := open(write(t, hdf5.Tree{Groups: []hdf5.Tree{{Name: "inner", Arrays: arrays(1)}}}))
	if err != nil {
		t.Fatalf("Open() = %v", err)
	}
	for _, path := range []string{"values", "inner/values", "outer/values", ""} {
		if _, err := root.Dataset(path); !errors.Is(err, hdf5.ErrNotFound) {
			t.Errorf("Dataset(%q) = %v, want %v", path, err, hdf5.ErrNotFound)
		}
	}
	if _, err := root.Dataset("inner"); !errors.Is(err, hdf5.ErrUnsupported) {
		t.Errorf("Dataset(inner) = %v, want %v: it is a group", err, hdf5.ErrUnsupported)
	}
	if _, err := root.Group("inner/array0"); !errors.Is(err, hdf5.ErrUnsupported) {
		t.Errorf("Group(inner/array0) = %v, want %v: it is an array", err, hdf5.ErrUnsupported)
	}
}

// TestValuesAreReadOnce checks that datasets which share storage cannot multiply it.
func TestValuesAreReadOnce(t *testing.T) {
	t.Parallel()
	const values = 1 << 12
	file := write(t, hdf5.Tree{Arrays: []hdf5.Array{{Name: "values", Shape: []int{values}, Data: make([]float32, values)}}})
	root, err := open(file)
	if err != nil {
		t.Fatalf("Open() = %v", err)
	}
	if _, err := readArray(root, "values"); err != nil {
		t.Fatalf("first reading = %v", err)
	}
	if _, err := readArray(root, "values"); !errors.Is(err, hdf5.ErrUnsupported) {
		t.Errorf("second reading = %v, want %v: more values than the file has bytes", err, hdf5.ErrUnsupported)
	}
}

// TestStructureIsLimited checks that reading the same structure over and over ends.
func TestStructureIsLimited(t *testing.T) {
	t.Parallel()
	root, err := open(write(t, hdf5.Tree{Groups: []hdf5.Tree{{Name: "inner"}}}))
	if err != nil {
		t.Fatalf("Open() = %v", err)
	}
	for range hdf5.MaxStructureBytes { // a group takes more than a byte
		if _, err = root.Group("inner"); err != nil {
			break
		}
	}
	if !errors.Is(err, hdf5.ErrUnsupported) {
		t.Errorf("Group() over and over = %v, want %v in the end", err, hdf5.ErrUnsupported)
	}
}
