package weights_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/weights"
)

func readSafetensors(file []byte) (*weights.Set, map[string]string, error) {
	return weights.ReadSafetensors(bytes.NewReader(file), int64(len(file)))
}

func writeSafetensors(t testing.TB, s *weights.Set, dtype weights.DType, metadata map[string]string) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := weights.WriteSafetensors(&file, s, dtype, metadata); err != nil {
		t.Fatalf("WriteSafetensors() = %v", err)
	}
	return file.Bytes()
}

// TestReadsTheSafetensorsLibrary reads files that the Python library wrote.
func TestReadsTheSafetensorsLibrary(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"float32", "float16", "bfloat16"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, err := os.ReadFile(filepath.Join(testdata, "safetensors_"+name+".safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			set, metadata, err := readSafetensors(file)
			if err != nil {
				t.Fatalf("ReadSafetensors() = %v", err)
			}
			if diff := cmp.Diff(map[string]string{"format": "siamese-vgg16"}, metadata); diff != "" {
				t.Errorf("metadata (-want +got):\n%s", diff)
			}
			// The library orders tensors by name, so the digest, which has no order, compares.
			if got, want := set.Digest(), newSet(t, tinyTensors()...).Digest(); got != want {
				t.Errorf("Digest() = %s, want %s; names %q", got, want, set.Names())
			}
		})
	}
}

func TestSafetensorsRoundTrip(t *testing.T) {
	t.Parallel()
	want := append(tinyTensors(),
		weights.Tensor{Name: `scalar "<&>" é`, Shape: []int{}, Data: []float32{0.25}},
		weights.Tensor{Name: "long", Shape: []int{1 << 17}, Data: make([]float32, 1<<17)}) // more than a piece
	metadata := map[string]string{"b": "2", "a": "1 \"<é>\""}
	for _, dtype := range []weights.DType{weights.Float32, weights.Float16} {
		t.Run(string(dtype), func(t *testing.T) {
			t.Parallel()
			file := writeSafetensors(t, newSet(t, want...), dtype, metadata)
			if !bytes.Equal(file, writeSafetensors(t, newSet(t, want...), dtype, metadata)) {
				t.Error("WriteSafetensors() gave different bytes for the same Set, want the same")
			}
			if length := binary.LittleEndian.Uint64(file); length%8 != 0 {
				t.Errorf("header of %d bytes, want a multiple of 8", length)
			}
			got, gotMetadata, err := readSafetensors(file)
			if err != nil {
				t.Fatalf("ReadSafetensors() = %v", err)
			}
			if diff := diffTensors(want, got); diff != "" {
				t.Errorf("tensors (-want +got):\n%.2000s", diff)
			}
			if diff := cmp.Diff(metadata, gotMetadata); diff != "" {
				t.Errorf("metadata (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSafetensorsEmptySet(t *testing.T) {
	t.Parallel()
	set, metadata, err := readSafetensors(writeSafetensors(t, newSet(t), weights.Float32, nil))
	if err != nil || set.Len() != 0 || len(metadata) != 0 {
		t.Errorf("ReadSafetensors() = %v, %v, %v, want an empty Set and no metadata", set, metadata, err)
	}
}

// safetensorsFile is a file with the header and zero bytes for data.
func safetensorsFile(header string, data int) []byte {
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(file, header...), make([]byte, data)...)
}

func TestReadSafetensorsRefuses(t *testing.T) {
	t.Parallel()
	tensor := func(name, dtype, shape, offsets string) string {
		return `"` + name + `":{"dtype":"` + dtype + `","shape":` + shape + `,"data_offsets":` + offsets + `}`
	}
	tests := []struct {
		name string
		give []byte
		want error
		text string
	}{
		{"empty", nil, weights.ErrCorrupt, "0 bytes"},
		{"length cut short", make([]byte, 7), weights.ErrCorrupt, "7 bytes"},
		{"header longer than the file", binary.LittleEndian.AppendUint64(nil, 100), weights.ErrCorrupt, "100 bytes in a file of 8"},
		{"header above the limit", binary.LittleEndian.AppendUint64(nil, 1<<63), weights.ErrUnsupported, "at most 1048576"},
		{"empty header", safetensorsFile("", 0), weights.ErrCorrupt, "want {"},
		{"spaces first", safetensorsFile(" {}", 0), weights.ErrCorrupt, "want {"},
		{"half an object", safetensorsFile(`{"a"`, 0), weights.ErrCorrupt, `"a"`},
		{"open object", safetensorsFile(`{`, 0), weights.ErrCorrupt, "EOF"},
		{"something behind", safetensorsFile(`{}{}`, 0), weights.ErrCorrupt, "follows"},
		{"name twice", safetensorsFile("{"+tensor("a", "F32", "[1]", "[0,4]")+","+tensor("a", "F32", "[1]", "[4,8]")+"}", 8), weights.ErrCorrupt, `"a" twice`},
		{"metadata of numbers", safetensorsFile(`{"__metadata__":{"a":1}}`, 0), weights.ErrCorrupt, "__metadata__"},
		{"unknown field", safetensorsFile(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}`, 4), weights.ErrCorrupt, "unknown field"},
		{"no shape", safetensorsFile(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, 4), weights.ErrCorrupt, "no shape"},
		{"one offset", safetensorsFile("{"+tensor("a", "F32", "[1]", "[0]")+"}", 4), weights.ErrCorrupt, "want two"},
		{"fractional shape", safetensorsFile("{"+tensor("a", "F32", "[1.5]", "[0,4]")+"}", 4), weights.ErrCorrupt, "1.5"},
		{"float64", safetensorsFile("{"+tensor("a", "F64", "[1]", "[0,8]")+"}", 8), weights.ErrUnsupported, `tensor "a" has type "F64"`},
		{"float8", safetensorsFile("{"+tensor("a", "F8_E4M3", "[1]", "[0,1]")+"}", 1), weights.ErrUnsupported, "F8_E4M3"},
		{"no type", safetensorsFile("{"+tensor("a", "", "[1]", "[0,4]")+"}", 4), weights.ErrUnsupported, `type ""`},
		{"overlap", safetensorsFile("{"+tensor("a", "F32", "[2]", "[0,8]")+","+tensor("b", "F32", "[1]", "[4,8]")+"}", 8), weights.ErrCorrupt, "inside another"},
		{"gap", safetensorsFile("{"+tensor("a", "F32", "[1]", "[0,4]")+","+tensor("b", "F32", "[1]", "[8,12]")+"}", 12), weights.ErrCorrupt, "gap"},
		{"past the end", safetensorsFile("{"+tensor("a", "F32", "[2]", "[0,8]")+"}", 4), weights.ErrCorrupt, "ends at 8 of 4"},
		{"data left over", safetensorsFile("{"+tensor("a", "F32", "[1]", "[0,4]")+"}", 5), weights.ErrCorrupt, "end at 4 of 5"},
		{"negative offset", safetensorsFile("{"+tensor("a", "F32", "[1]", "[-4,0]")+"}", 0), weights.ErrCorrupt, "-4"},
		{"offsets backwards", safetensorsFile("{"+tensor("a", "F32", "[1]", "[0,-4]")+"}", 0), weights.ErrCorrupt, "has -4 bytes"},
		{"shape of another size", safetensorsFile("{"+tensor("a", "F32", "[2]", "[0,4]")+"}", 4), weights.ErrCorrupt, "shape [2]"},
		{"zero dimension", safetensorsFile("{"+tensor("a", "F32", "[0]", "[0,0]")+"}", 0), weights.ErrCorrupt, "shape [0]"},
		{"negative dimensions", safetensorsFile("{"+tensor("a", "F32", "[-1,-1]", "[0,4]")+"}", 4), weights.ErrCorrupt, "shape [-1 -1]"},
		{"product that wraps", safetensorsFile("{"+tensor("a", "F32", "[4294967296,4294967296]", "[0,0]")+"}", 0), weights.ErrCorrupt, "shape"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := readSafetensors(tt.give)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("ReadSafetensors() = %v, want %v with %q", err, tt.want, tt.text)
			}
		})
	}
}

func TestReadSafetensorsOrdersByData(t *testing.T) {
	t.Parallel()
	header := `{"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}  `
	set, _, err := readSafetensors(safetensorsFile(header, 8))
	if err != nil {
		t.Fatalf("ReadSafetensors() = %v", err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, set.Names()); diff != "" {
		t.Errorf("Names() (-want +got):\n%s", diff)
	}
}

func TestWriteSafetensorsRefuses(t *testing.T) {
	t.Parallel()
	named := func(name string) weights.Tensor {
		return weights.Tensor{Name: name, Shape: []int{1}, Data: []float32{1}}
	}
	tests := []struct {
		name     string
		give     weights.Tensor
		dtype    weights.DType
		metadata map[string]string
	}{
		{"unknown dtype", named("a"), "F64", nil},
		{"bfloat16, which is read alone", named("a"), "BF16", nil},
		{"metadata's name", named("__metadata__"), weights.Float32, nil},
		{"name that is no text", named("\xff"), weights.Float32, nil},
		{"header above the limit", named("a"), weights.Float32, map[string]string{"a": strings.Repeat("x", weights.MaxSafetensorsHeaderBytes)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var file bytes.Buffer
			err := weights.WriteSafetensors(&file, newSet(t, tt.give), tt.dtype, tt.metadata)
			if !errors.Is(err, weights.ErrInvalid) || file.Len() > 0 {
				t.Errorf("WriteSafetensors() = %v after %d bytes, want %v after none", err, file.Len(), weights.ErrInvalid)
			}
		})
	}
}

func FuzzReadSafetensors(f *testing.F) {
	set := newSet(f, tinyTensors()[:2]...)
	f.Add(writeSafetensors(f, set, weights.Float32, map[string]string{"format": "x"}))
	f.Add(writeSafetensors(f, set, weights.Float16, nil))
	f.Add(halfFile("BF16", []uint16{1, 2, 3}))
	f.Add(slices.Concat(binary.LittleEndian.AppendUint64(nil, 2), []byte("{}")))
	f.Fuzz(func(t *testing.T, file []byte) {
		set, _, err := readSafetensors(file)
		if err != nil {
			return
		}
		values := 0
		for tensor := range set.All() {
			values += len(tensor.Data)
		}
		if 2*values > len(file) {
			t.Errorf("%d values from a file of %d bytes, want two bytes for each at least", values, len(file))
		}
		again, _, err := readSafetensors(writeSafetensors(t, set, weights.Float32, nil))
		if err != nil || again.Digest() != set.Digest() {
			t.Errorf("written and read again = %v, want the same weights", err)
		}
	})
}
