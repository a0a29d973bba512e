package evaluate

import (
	"context"
	"fmt"
	"slices"

	"siamese/imaging"
	"siamese/imaging/views"
)

// ViewsConfig says in how many views pictures are scored.
type ViewsConfig struct {
	Width, Height   int // of the network's input
	EmbeddingLength int // of the network
	Views           int // of a picture, 1 to views.Most
	// OneSided scores the views of the first picture of a pair alone, as a ranking does
	// with its query. False: those of either with the other as it is.
	OneSided bool
}

// Validate reports the first field that is out of range.
func (c ViewsConfig) Validate() error {
	switch {
	case c.Views < 1 || c.Views > views.Most:
		return fmt.Errorf("evaluate: Views is %d, expected 1 to %d", c.Views, views.Most)
	case c.Width < 1 || c.Height < 1:
		return fmt.Errorf("evaluate: the input is %dx%d, expected positive sides", c.Width, c.Height)
	case c.EmbeddingLength < 1:
		return fmt.Errorf("evaluate: EmbeddingLength is %d, expected 1 or more", c.EmbeddingLength)
	}
	return nil
}

// InViews is a network that is asked about several views of each picture: its embeddings
// are those of a picture's views one after the other, its similarities the means over
// them (views.Mean). Errors are those of the network, and ErrModelOutput.
func InViews(model Model, config ViewsConfig) (Model, error) {
	if err := config.Validate(); err != nil || config.Views == 1 {
		return model, err
	}
	return &inViews{model, config}, nil
}

type inViews struct {
	model Model
	ViewsConfig
}

// Encode implements Model: float32 [N,Views·E].
func (m *inViews) Encode(ctx context.Context, pixels []byte) ([]float32, error) {
	size := 3 * m.Width * m.Height
	if len(pixels)%size != 0 {
		return nil, fmt.Errorf("evaluate: received %d bytes of pictures, expected %d for each", len(pixels), size)
	}
	var all []byte
	for picture := range slices.Chunk(pixels, size) {
		made, err := views.Of(&imaging.Picture{Width: m.Width, Height: m.Height, Pix: picture}, m.Views)
		if err != nil {
			return nil, err
		}
		for _, view := range made {
			all = append(all, view.Pix...)
		}
	}
	return m.model.Encode(ctx, all)
}

// Compare implements Model.
func (m *inViews) Compare(ctx context.Context, a, b []float32) ([]float32, error) {
	asTheyAre, err := m.compare(ctx, a, b, 0, 0)
	if err != nil {
		return nil, err
	}
	ofA, ofB := make([][]float32, len(asTheyAre)), make([][]float32, len(asTheyAre))
	for view := 1; view < m.Views; view++ {
		if err := m.add(ctx, ofA, a, b, view, 0); err != nil {
			return nil, err
		}
		if m.OneSided {
			continue
		}
		if err := m.add(ctx, ofB, a, b, 0, view); err != nil {
			return nil, err
		}
	}
	for i, similarity := range asTheyAre {
		asTheyAre[i] = views.Mean(similarity, ofA[i], ofB[i])
	}
	return asTheyAre, nil
}

// add adds the similarities of one view of each pair's pictures.
func (m *inViews) add(ctx context.Context, to [][]float32, a, b []float32, viewA, viewB int) error {
	similarities, err := m.compare(ctx, a, b, viewA, viewB)
	if err != nil {
		return err
	}
	for i, similarity := range similarities {
		to[i] = append(to[i], similarity)
	}
	return nil
}

// compare scores one view of each pair's pictures.
func (m *inViews) compare(ctx context.Context, a, b []float32, viewA, viewB int) ([]float32, error) {
	first, err := m.of(a, viewA)
	if err != nil {
		return nil, err
	}
	second, err := m.of(b, viewB)
	if err != nil {
		return nil, err
	}
	similarities, err := m.model.Compare(ctx, first, second)
	if err == nil && len(similarities)*m.EmbeddingLength != len(first) {
		err = fmt.Errorf("%w: %d similarities, expected %d", ErrModelOutput, len(similarities), len(first)/m.EmbeddingLength)
	}
	return similarities, err
}

// of takes the embeddings of one view out of those of all.
func (m *inViews) of(embeddings []float32, view int) ([]float32, error) {
	length := m.Views * m.EmbeddingLength
	if len(embeddings)%length != 0 {
		return nil, fmt.Errorf("%w: %d numbers, expected %d for each picture", ErrModelOutput, len(embeddings), length)
	}
	taken := make([]float32, 0, len(embeddings)/m.Views)
	for picture := range slices.Chunk(embeddings, length) {
		taken = append(taken, picture[view*m.EmbeddingLength:(view+1)*m.EmbeddingLength]...)
	}
	return taken, nil
}
