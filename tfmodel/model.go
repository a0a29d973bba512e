package tfmodel

import (
	"context"
	"fmt"

	"siamese/tfmodel/internal/tf"
)

// Model is a loaded network. Encode and Compare are safe for concurrent use,
// with each other and with Close.
type Model struct {
	session   *tf.Session
	endpoints endpoints
	card      Card
	version   string
	device    string
	precision Precision
	// precisionReason is why it is that, where AutoPrecision was asked for.
	precisionReason string
	// maxRunImages bounds a run, and with it the time that can't be interrupted.
	maxRunImages int
}

// maxRunPairs bounds a run of the head: 256 candidates take about 10 ms on a
// CPU and 9 MB.
const maxRunPairs = 256

// Card is what the model says about itself. Its maps and slices are not to be
// changed.
func (m *Model) Card() Card { return m.card }

// Version is the name of the folder that the model was loaded from.
func (m *Model) Version() string { return m.version }

// Device is where the model runs: "cpu" or "gpu:N".
func (m *Model) Device() string { return m.device }

// Precision is what the model computes in: Float32Precision or BFloat16.
func (m *Model) Precision() Precision { return m.precision }

// PrecisionReason says, for people, why Precision is what it is. It is empty
// unless the model was loaded with AutoPrecision.
func (m *Model) PrecisionReason() string { return m.precisionReason }

// MaxRunImages is how many images one run of Encode carries at the most.
func (m *Model) MaxRunImages() int { return m.maxRunImages }

// Encode turns images into embeddings. pixels is uint8 [N,H,W,3] RGB, N at
// least 1, and stays the caller's; the result is float32 [N,E], the caller's.
//
// Long batches are run in parts; ctx is looked at before each part and not
// during it, so that Encode returns at most one part's time after ctx is done.
func (m *Model) Encode(ctx context.Context, pixels []byte) ([]float32, error) {
	size, length := m.card.Architecture.ImageBytes(), m.card.Architecture.EmbeddingLength()
	if len(pixels) == 0 || len(pixels)%size != 0 {
		return nil, fmt.Errorf("encode: got %d bytes, want a positive multiple of %d (%d×%d×3)",
			len(pixels), size, m.card.Architecture.Height, m.card.Architecture.Width)
	}
	count := len(pixels) / size
	embeddings := make([]float32, count*length)
	for begin := 0; begin < count; begin += m.maxRunImages {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		end := min(begin+m.maxRunImages, count)
		err := m.encodeRun(pixels[begin*size:end*size], embeddings[begin*length:end*length], end-begin)
		if err != nil {
			return nil, fmt.Errorf("encode: %w", err)
		}
	}
	return embeddings, nil
}

func (m *Model) encodeRun(pixels []byte, embeddings []float32, count int) error {
	architecture := m.card.Architecture
	return m.session.Run(
		[]tf.Feed{{
			To:    m.endpoints.images,
			Type:  tf.Uint8,
			Shape: []int64{int64(count), int64(architecture.Height), int64(architecture.Width), 3},
			Data:  pixels,
		}},
		[]tf.Fetch{{
			From:  m.endpoints.embeddings,
			Type:  tf.Float32,
			Shape: []int64{int64(count), int64(architecture.EmbeddingLength())},
			Into:  tf.Float32Bytes(embeddings),
		}})
}

// Compare turns N pairs of embeddings, float32 [N,E] each, N at least 1, into N
// similarities in 0..1: a[i] against b[i]. It is symmetric in a and b. The
// arguments stay the caller's, the result is the caller's. ctx is treated as by
// Encode.
func (m *Model) Compare(ctx context.Context, a, b []float32) ([]float32, error) {
	length := m.card.Architecture.EmbeddingLength()
	if len(a) == 0 || len(a)%length != 0 || len(a) != len(b) {
		return nil, fmt.Errorf("compare: got %d and %d values, want the same positive multiple of %d", len(a), len(b), length)
	}
	count := len(a) / length
	similarities := make([]float32, count)
	for begin := 0; begin < count; begin += maxRunPairs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		end := min(begin+maxRunPairs, count)
		err := m.compareRun(a[begin*length:end*length], b[begin*length:end*length], similarities[begin:end])
		if err != nil {
			return nil, fmt.Errorf("compare: %w", err)
		}
	}
	return similarities, nil
}

func (m *Model) compareRun(a, b, similarities []float32) error {
	count := int64(len(similarities))
	shape := []int64{count, int64(m.card.Architecture.EmbeddingLength())}
	return m.session.RunInline(
		[]tf.Feed{
			{To: m.endpoints.a, Type: tf.Float32, Shape: shape, Data: tf.Float32Bytes(a)},
			{To: m.endpoints.b, Type: tf.Float32, Shape: shape, Data: tf.Float32Bytes(b)},
		},
		[]tf.Fetch{{
			From:  m.endpoints.similarity,
			Type:  tf.Float32,
			Shape: []int64{count},
			Into:  tf.Float32Bytes(similarities),
		}})
}

// Close waits for the calls under way and gives the model's memory back. Later
// calls fail. Closing twice is harmless.
func (m *Model) Close() error {
	err := m.session.Close()
	tf.TrimMemory()
	return err
}
