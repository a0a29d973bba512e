package folds

import (
	"context"
	"errors"
	"fmt"

	"siamese/train/evaluate"
)

// Ensemble is several networks that answer as one: its similarity is the mean of theirs,
// and its embedding theirs side by side. It is called by one goroutine.
type Ensemble struct {
	members    []evaluate.Model
	imageBytes int
	lengths    []int // floats of each one's embedding; nil before the first
}

// NewEnsemble makes one of one or more networks, all of which take pictures of imageBytes
// bytes.
func NewEnsemble(imageBytes int, members ...evaluate.Model) (*Ensemble, error) {
	if len(members) == 0 || imageBytes < 1 {
		return nil, fmt.Errorf("ensemble: received %d networks for pictures of %d bytes, expected one or more for pictures", len(members), imageBytes)
	}
	return &Ensemble{members: members, imageBytes: imageBytes}, nil
}

// Encode asks each network, and lays the embeddings of a picture side by side.
func (e *Ensemble) Encode(ctx context.Context, pixels []byte) ([]float32, error) {
	count := len(pixels) / e.imageBytes
	if count == 0 || len(pixels)%e.imageBytes != 0 {
		return nil, fmt.Errorf("encode: received %d bytes, expected pictures of %d each", len(pixels), e.imageBytes)
	}
	parts, lengths := make([][]float32, len(e.members)), make([]int, len(e.members))
	for i, member := range e.members {
		var err error
		if parts[i], err = member.Encode(ctx, pixels); err != nil {
			return nil, err
		}
		if lengths[i] = len(parts[i]) / count; lengths[i] == 0 || len(parts[i])%count != 0 {
			return nil, fmt.Errorf("%w: %d floats for %d pictures, expected as many for each", evaluate.ErrModelOutput, len(parts[i]), count)
		}
	}
	e.lengths = lengths
	var all []float32
	for image := range count {
		for i, length := range lengths {
			all = append(all, parts[i][image*length:(image+1)*length]...)
		}
	}
	return all, nil
}

// Compare is the mean of the networks' similarities.
func (e *Ensemble) Compare(ctx context.Context, a, b []float32) ([]float32, error) {
	if e.lengths == nil {
		return nil, errors.New("compare: no picture was encoded yet, expected embeddings of this ensemble")
	}
	var mean []float32
	begin := 0
	for i, member := range e.members {
		partA, err := e.part(a, begin, e.lengths[i])
		if err != nil {
			return nil, err
		}
		partB, err := e.part(b, begin, e.lengths[i])
		if err != nil {
			return nil, err
		}
		similarities, err := member.Compare(ctx, partA, partB)
		if err != nil {
			return nil, err
		}
		if mean == nil {
			mean = make([]float32, len(similarities))
		}
		if len(similarities) != len(mean) {
			return nil, fmt.Errorf("%w: %d similarities, expected %d", evaluate.ErrModelOutput, len(similarities), len(mean))
		}
		for at, similarity := range similarities {
			mean[at] += similarity / float32(len(e.members))
		}
		begin += e.lengths[i]
	}
	for at := range mean {
		mean[at] = min(mean[at], 1) // a sum of ones may round up
	}
	return mean, nil
}

// part takes one network's floats out of the embeddings of an ensemble.
func (e *Ensemble) part(embeddings []float32, begin, length int) ([]float32, error) {
	whole := 0
	for _, of := range e.lengths {
		whole += of
	}
	if len(embeddings)%whole != 0 {
		return nil, fmt.Errorf("compare: received %d floats, expected embeddings of %d each", len(embeddings), whole)
	}
	part := make([]float32, 0, len(embeddings)/whole*length)
	for at := begin; at < len(embeddings); at += whole {
		part = append(part, embeddings[at:at+length]...)
	}
	return part, nil
}
