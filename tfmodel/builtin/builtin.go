// Package builtin holds the model that the program brings along: a VGG16
// Siamese network trained on Omniglot's background set. NOTICE names the
// origin of its weights.
package builtin

import "embed"

// Name is the model's name.
const Name = "siamese-omniglot"

// Weights is the weight file, fp16 safetensors: tensors "<layer>/kernel" and
// "<layer>/bias" in Keras' shapes. Not to be changed.
//
//go:embed siamese-omniglot.safetensors
var Weights []byte

// Card is the model's card, the JSON form of tfmodel.Card. Not to be changed.
//
//go:embed siamese-omniglot.json
var Card []byte

// Pictures holds the pictures of the card's golden pairs: drawings of
// Omniglot's background set (MIT, see NOTICE), by the names in the card.
//
//go:embed golden/*.png
var Pictures embed.FS
