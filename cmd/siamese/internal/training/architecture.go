package training

import "siamese/tfmodel"

// architectureFlags say how the last feature map becomes the embedding.
type architectureFlags struct {
	Pooling    string  `help:"Chooses how the last feature map becomes the embedding: flatten (upstream's way), average or gem (generalized mean, of a fixed power) of each channel." enum:"flatten,average,gem" default:"flatten" json:"pooling,omitempty"`
	GemPower   float64 `help:"Sets the power of --pooling gem. 0: 3." default:"0" json:"gem_power,omitempty"`
	Projection int     `help:"Adds a dense layer of this width to a pooled network, which siamese head --whiten fills. 0: none." default:"0" json:"projection,omitempty"`
	Unit       bool    `help:"Scales embeddings of a pooled network to length 1." json:"unit,omitempty"`
}

// architecture is the network that the flags describe.
func (f trainFlags) architecture() tfmodel.Architecture {
	architecture := tfmodel.VGG16(f.InputSize, f.InputSize)
	if f.Pooling != "" && f.Pooling != string(tfmodel.Flatten) {
		architecture.Pooling = tfmodel.Pooling(f.Pooling)
	}
	architecture.GeMPower, architecture.Projection, architecture.Unit = f.GemPower, f.Projection, f.Unit
	return architecture
}
