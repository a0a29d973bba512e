package main

import (
	"context"
	"fmt"
	"log/slog"

	"siamese/imaging"
	"siamese/tfmodel"
)

// modelFlags choose the model and where it runs.
type modelFlags struct {
	Model             string  `help:"A SavedModel folder, a folder of numbered versions, or a weight file (safetensors or Keras HDF5). Default: the built-in model." placeholder:"PATH"`
	Cache             string  `help:"Where weight files are unpacked. Default: the user's cache folder, or a temporary one where that can't be written." placeholder:"DIR"`
	Device            string  `help:"Where the model runs: auto, cpu or gpu:N. auto takes the first GPU, else the CPU." default:"auto"`
	GPUMemoryFraction float64 `help:"Share of the GPU's memory that may be taken, 0 to 1. 0: what is needed, as it is needed." default:"0"`
	IntraThreads      int     `help:"Threads within an operation. 0: one a core." default:"0"`
	InterThreads      int     `help:"Operations side by side. 0: one a core." default:"0"`
	Precision         string  `help:"What convolutions are computed in: float32, tf32 (a GPU's tensor cores, 10 bits of fraction), bfloat16, or auto: the fastest in which the model's golden pairs hold, of bfloat16 and tf32 on a GPU of compute capability 8.0 or newer and bfloat16 on a CPU with AVX512-BF16 or AMX, else float32." enum:"float32,tf32,bfloat16,auto" default:"float32"`
	MaxBatch          int     `help:"Most images in one run of the encoder. 0: 8 on a CPU, 128 on a GPU." default:"0"`
}

// imagingFlags say how pictures are prepared.
type imagingFlags struct {
	Resize string `help:"How pictures come to the network's size: shorter-side (and centre crop) or letterbox." enum:"shorter-side,letterbox" default:"shorter-side"`
	Alpha  string `help:"What becomes of transparency: white (put on white) or drop (the hidden colours show)." enum:"white,drop" default:"white"`
}

// open loads the model. The caller closes what is returned.
func (f modelFlags) open(ctx context.Context) (*openModel, error) {
	store := &tfmodel.Store{Dir: f.Cache}
	model, err := store.Open(ctx, f.Model, tfmodel.Options{
		Device:            f.Device,
		GPUMemoryFraction: f.GPUMemoryFraction,
		IntraThreads:      f.IntraThreads,
		InterThreads:      f.InterThreads,
		MaxRunImages:      f.MaxBatch,
		Precision:         tfmodel.Precision(f.Precision),
	})
	if err != nil {
		_ = store.Close() // the first error is the one to tell
		return nil, err
	}
	return &openModel{Model: model, store: store}, nil
}

// openModel is a model with the store that it came from.
type openModel struct {
	*tfmodel.Model
	store *tfmodel.Store
}

// logPrecision says what the model computes in and why, where that was left to
// it.
func (m *openModel) logPrecision(logger *slog.Logger) {
	if reason := m.PrecisionReason(); reason != "" {
		logger.Info("precision chosen", "precision", m.Precision(), "reason", reason)
	}
}

// Close closes the model and removes what was unpacked for this run alone.
func (m *openModel) Close() error {
	if err := m.Model.Close(); err != nil {
		return err
	}
	return m.store.Close()
}

// rule and alpha translate the flags, whose values kong has checked.
func (f imagingFlags) rule() imaging.Rule {
	if f.Resize == imaging.Letterbox.String() {
		return imaging.Letterbox
	}
	return imaging.ShorterSide
}

func (f imagingFlags) alpha() imaging.Alpha {
	if f.Alpha == imaging.DropAlpha.String() {
		return imaging.DropAlpha
	}
	return imaging.CompositeWhite
}

// preparer prepares pictures for a model.
func (f imagingFlags) preparer(architecture tfmodel.Architecture) (*imaging.Preparer, error) {
	preparer, err := imaging.New(imaging.Config{
		Width:  architecture.Width,
		Height: architecture.Height,
		Rule:   f.rule(),
		Alpha:  f.alpha(),
	})
	if err != nil {
		return nil, fmt.Errorf("model's input: %w", err)
	}
	return preparer, nil
}
