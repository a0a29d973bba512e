// Package builtin holds the models that the program brings along: VGG16 Siamese
// networks, one for pictures and one for handwriting. NOTICE names the origin of their
// weights.
package builtin

import (
	"embed"
	"io/fs"
	"slices"
)

// Model is a built-in model. It must not be changed.
type Model struct {
	// Name is what it is called, such as "general".
	Name string
	// Weights is the weight file, fp16 safetensors: tensors "<layer>/kernel" and
	// "<layer>/bias" in Keras' shapes.
	Weights []byte
	// Card is the model's card, the JSON form of tfmodel.Card.
	Card []byte
	// Pictures holds the pictures of the card's golden pairs by the names in the card.
	Pictures fs.FS
}

// Names of the models.
const (
	// General is for pictures of things, products, places and people's copies of them.
	General = "general"
	// Omniglot is for handwritten characters.
	Omniglot = "omniglot"
)

var (
	//go:embed general.safetensors
	generalWeights []byte
	//go:embed general.json
	generalCard []byte
	//go:embed omniglot.safetensors
	omniglotWeights []byte
	//go:embed omniglot.json
	omniglotCard []byte
	// Photographs (CC0) for general, drawings of Omniglot's background set (MIT)
	// for omniglot.
	//
	//go:embed golden/*.png
	pictures embed.FS
)

var models = []Model{
	{General, generalWeights, generalCard, pictures},
	{Omniglot, omniglotWeights, omniglotCard, pictures},
}

// All returns the models, the default first. The caller owns the slice.
func All() []Model { return slices.Clone(models) }

// Find returns the model of a name, the default for an empty one.
func Find(name string) (Model, bool) {
	if name == "" {
		return models[0], true
	}
	i := slices.IndexFunc(models, func(m Model) bool { return m.Name == name })
	if i < 0 {
		return Model{}, false
	}
	return models[i], true
}
