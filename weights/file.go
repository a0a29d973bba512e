package weights

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"siamese/internal/regular"
	"siamese/weights/internal/hdf5"
)

// sniffedBytes is what it takes to distinguish the formats: HDF5's signature, or the length of a
// safetensors header and the brace after it.
const sniffedBytes = safetensorsPrefixBytes + 1

// maxFileBytes bounds a weight file. VGG16 of 224×224 has 110 MB; a checkpoint of
// Keras with its optimizer three times that.
const maxFileBytes = 4 << 30

// Read reads the weight file at path, safetensors or HDF5 as its first bytes say, and
// whatever its name. Metadata is dropped. Errors are those of ReadSafetensors and
// ReadHDF5, ErrUnknownFormat, and the file system's; they name the path.
func Read(path string) (*Set, error) {
	file, err := regular.Open(path, maxFileBytes)
	if err != nil {
		return nil, fmt.Errorf("read weights: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read weights: %w", err)
	}
	set, _, err := read(file, info.Size())
	if err != nil {
		return nil, fmt.Errorf("read weights %q: %w", path, err)
	}
	return set, nil
}

// ReadContent is Read of a file's content, with a safetensors file's metadata, which is
// the caller's; there is none for HDF5.
func ReadContent(content []byte) (*Set, map[string]string, error) {
	set, metadata, err := read(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, nil, fmt.Errorf("read weights: %w", err)
	}
	return set, metadata, nil
}

func read(r io.ReaderAt, size int64) (*Set, map[string]string, error) {
	head := make([]byte, sniffedBytes)
	n, err := r.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte(hdf5.Signature)):
		set, err := ReadHDF5(r, size)
		return set, nil, err
	case n == sniffedBytes && head[safetensorsPrefixBytes] == '{':
		return ReadSafetensors(r, size)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return nil, nil, fmt.Errorf("%w: a zip archive, such as a .keras file: save its weights as .weights.h5", ErrUnknownFormat)
	}
	return nil, nil, fmt.Errorf("%w: starts with % x", ErrUnknownFormat, head)
}
