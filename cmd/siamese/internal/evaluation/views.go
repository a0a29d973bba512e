package evaluation

import (
	"fmt"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/imaging/views"
	"siamese/train/evaluate"
)

// viewsFlags choose in how many views pictures are scored.
type viewsFlags struct {
	TestTime int `help:"Scores this many views of a picture, 1 to 16, and takes the mean, as compare and rank do; the embeddings' cosine is then that of all views together. 1: the picture alone." name:"test-time" default:"1" placeholder:"N"`
}

// inViews is the model as it is asked. A one-sided one scores the views of a pair's first
// picture alone.
func (f viewsFlags) inViews(model *network.Model, oneSided bool) (evaluate.Model, error) {
	if f.TestTime < 0 || f.TestTime > views.Most {
		return nil, cli.Usage(fmt.Errorf("--test-time %d, want 1 to %d", f.TestTime, views.Most))
	}
	architecture := model.Card().Architecture
	return evaluate.InViews(model, evaluate.ViewsConfig{
		Width: architecture.Width, Height: architecture.Height, EmbeddingLength: architecture.EmbeddingLength(),
		Views: max(f.TestTime, 1), OneSided: oneSided,
	})
}
