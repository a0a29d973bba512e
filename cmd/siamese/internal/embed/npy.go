package embed

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"siamese/cmd/siamese/internal/scorer"
	"siamese/internal/atomicfile"
)

// npy writes NumPy's format 1.0, float32 [N,E], and beside it what the rows are.
type npy struct {
	file   io.WriteSeeker
	buffer *bufio.Writer
	beside string // the path of the names
	names  names
}

// names is the file beside the array.
type names struct {
	Model           string `json:"model"`
	Digest          string `json:"digest"` // of the model's weights
	EmbeddingLength int    `json:"embedding_length"`
	Rows            []name `json:"rows"` // of the array, in its order
	// Failed are the pictures that have no row.
	Failed []failure `json:"failed,omitempty"`
}

type name struct {
	Name string `json:"name"`
	told
}

// told is what is said of a picture beside its embedding.
type told struct {
	Familiarity *float32 `json:"familiarity,omitempty"` // missing where the model tells none
	Foreign     bool     `json:"foreign,omitempty"`
}

func tell(e scorer.Embedding) told {
	if e.Familiarity == nil {
		return told{}
	}
	return told{&e.Familiarity.Value, e.Familiarity.Foreign}
}

type failure struct {
	Name  string `json:"name"`
	Error string `json:"error"`
}

// cause is an error without the picture's name.
func cause(err error) string {
	if picture, ok := errors.AsType[*scorer.PictureError](err); ok {
		return picture.Err.Error()
	}
	return err.Error()
}

// headerBytes are the array's head, a multiple of 64 as NumPy has it: room for the
// longest shape, which is known in the end alone.
const headerBytes = 128

func newNPY(w io.Writer, path string, model scorer.Model) (table, error) {
	file, ok := w.(io.WriteSeeker)
	if !ok {
		return nil, fmt.Errorf("%s: received a %T, expected a file: its head is written last", path, w)
	}
	n := &npy{file: file, buffer: bufio.NewWriter(file), beside: strings.TrimSuffix(path, path[len(path)-len(".npy"):]) + ".json"}
	if err := checkBeside(path, n.beside); err != nil {
		return nil, err
	}
	n.names = names{Model: model.Name, Digest: model.Digest, EmbeddingLength: model.Length, Rows: []name{}}
	_, err := n.buffer.Write(make([]byte, headerBytes))
	return n, err
}

// checkBeside refuses to replace a file that is not that of an earlier array.
func checkBeside(path, beside string) error {
	_, noArray := os.Stat(path)
	if _, err := os.Stat(beside); err == nil && noArray != nil {
		return fmt.Errorf("%s is there already and would be replaced by the names of %s: remove it or name another file", beside, path)
	}
	return nil
}

func (n *npy) write(r row) error {
	if r.Err != nil {
		n.names.Failed = append(n.names.Failed, failure{r.name, cause(r.Err)})
		return nil
	}
	if len(r.Values) != n.names.EmbeddingLength {
		return fmt.Errorf("%s: received an embedding of %d numbers, expected %d", r.name, len(r.Values), n.names.EmbeddingLength)
	}
	n.names.Rows = append(n.names.Rows, name{r.name, tell(r.Embedding)})
	for _, value := range r.Values {
		if err := binary.Write(n.buffer, binary.LittleEndian, math.Float32bits(value)); err != nil {
			return err
		}
	}
	return nil
}

// header returns the head of an array with the given number of rows.
func header(rows, columns int) []byte {
	head := []byte("\x93NUMPY\x01\x00")
	head = binary.LittleEndian.AppendUint16(head, uint16(headerBytes-len(head)-2))
	head = fmt.Appendf(head, "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", rows, columns)
	for len(head) < headerBytes-1 {
		head = append(head, ' ')
	}
	return append(head, '\n')
}

func (n *npy) close() error {
	if err := n.buffer.Flush(); err != nil {
		return err
	}
	if _, err := n.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := n.file.Write(header(len(n.names.Rows), n.names.EmbeddingLength)); err != nil {
		return err
	}
	text, err := json.MarshalIndent(n.names, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(n.beside, append(text, '\n'))
}
