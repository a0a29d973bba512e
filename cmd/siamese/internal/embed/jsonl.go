package embed

import (
	"bufio"
	"encoding/json"
	"io"

	"siamese/cmd/siamese/internal/scorer"
)

// jsonl writes an object a line.
type jsonl struct {
	buffer *bufio.Writer
	json   *json.Encoder
	model  scorer.Model
}

// object is a line.
type object struct {
	Name      string    `json:"name"`
	Model     string    `json:"model,omitempty"`
	Digest    string    `json:"digest,omitempty"` // of the model's weights
	Embedding []float32 `json:"embedding,omitempty"`
	told
	Error string `json:"error,omitempty"`
}

func newJSONL(w io.Writer, _ string, model scorer.Model) (table, error) {
	buffer := bufio.NewWriter(w)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	return &jsonl{buffer, encoder, model}, nil
}

func (j *jsonl) write(r row) error {
	if r.Err != nil {
		return j.json.Encode(object{Name: r.name, Error: cause(r.Err)})
	}
	return j.json.Encode(object{Name: r.name, Model: j.model.Name, Digest: j.model.Digest, Embedding: r.Values, told: tell(r.Embedding)})
}

func (j *jsonl) close() error { return j.buffer.Flush() }
