package folds

import (
	"context"
	"crypto/sha256"
	"fmt"

	"siamese/train/evaluate"
)

// Once is a network that encodes each picture once: it keeps the embeddings, in memory
// for as long as it lives. It is called by one goroutine.
type Once struct {
	evaluate.Model
	imageBytes int
	encoded    func(images int)
	length     int // floats of an embedding; 0 before the first
	places     map[[sha256.Size]byte]int
	values     []float32 // the embeddings, in the order in which they were encoded
}

// NewOnce makes a network encode each picture once, where a picture is imageBytes bytes.
// Encoded is told how many pictures were encoded after each batch; nil: nobody is.
func NewOnce(model evaluate.Model, imageBytes int, encoded func(images int)) *Once {
	if encoded == nil {
		encoded = func(int) {}
	}
	return &Once{Model: model, imageBytes: imageBytes, encoded: encoded, places: map[[sha256.Size]byte]int{}}
}

// Encode encodes what is new.
func (o *Once) Encode(ctx context.Context, pixels []byte) ([]float32, error) {
	if o.imageBytes < 1 || len(pixels) == 0 || len(pixels)%o.imageBytes != 0 {
		return nil, fmt.Errorf("encode: received %d bytes, expected pictures of %d each", len(pixels), o.imageBytes)
	}
	var fresh []byte
	var sums [][sha256.Size]byte
	known := len(o.places)
	for at := 0; at < len(pixels); at += o.imageBytes {
		picture := pixels[at : at+o.imageBytes]
		sum := sha256.Sum256(picture)
		sums = append(sums, sum)
		if _, met := o.places[sum]; !met {
			o.places[sum] = len(o.places)
			fresh = append(fresh, picture...)
		}
	}
	if err := o.add(ctx, fresh, known); err != nil {
		return nil, err
	}
	embeddings := make([]float32, 0, len(sums)*o.length)
	for _, sum := range sums {
		place := o.places[sum]
		embeddings = append(embeddings, o.values[place*o.length:(place+1)*o.length]...)
	}
	return embeddings, nil
}

// add encodes pictures that were not met. After an error none of them counts as met.
func (o *Once) add(ctx context.Context, fresh []byte, known int) error {
	count := len(fresh) / o.imageBytes
	if count == 0 {
		return nil
	}
	values, err := o.Model.Encode(ctx, fresh)
	if err == nil && (len(values) == 0 || len(values)%count != 0 || o.length > 0 && len(values) != count*o.length) {
		err = fmt.Errorf("%w: %d floats for %d pictures, expected %d for each", evaluate.ErrModelOutput, len(values), count, o.length)
	}
	if err != nil {
		for sum, place := range o.places {
			if place >= known {
				delete(o.places, sum)
			}
		}
		return err
	}
	o.length = len(values) / count
	o.values = append(o.values, values...)
	o.encoded(count)
	return nil
}
