package tfmodel

import (
	"context"
	"fmt"

	"golang.org/x/sys/cpu"

	"siamese/tfmodel/internal/tf"
)

// Precision is the number format of the heavy operations.
type Precision string

// The precisions.
const (
	// Float32Precision is float32 throughout: on a GPU, too, where TensorFlow's own
	// default is TensorFloat32.
	Float32Precision Precision = "float32"
	// TensorFloat32 has a GPU of compute capability 8.0 or newer round what
	// convolutions and matrix products multiply to 10 bits of fraction, and use its
	// tensor cores. Elsewhere it is Float32Precision. The switch is TensorFlow's and
	// holds for the whole process: models that are open at a time and differ in it
	// compute as the one that was opened last.
	TensorFloat32 Precision = "tf32"
	// BFloat16 has float32's range with 7 bits of fraction. It pays on GPUs of
	// compute capability 8.0 or newer and on processors with AVX512-BF16 or AMX,
	// and is slow on others. On a GPU what is left in float32, the head, is computed
	// as by TensorFloat32.
	BFloat16 Precision = "bfloat16"
	// AutoPrecision is for models that are loaded: BFloat16 where they run on a
	// CPU that has instructions for it and their golden pairs hold in it to
	// GoldenTolerance, else Float32Precision. Whatever else takes Options, such
	// as training, takes it for Float32Precision.
	AutoPrecision Precision = "auto"
)

// BFloat16Tolerance is how far a golden pair's similarity may be off where
// BFloat16 or TensorFloat32 was asked for by name: three times what was the most
// over 80 pairs in BFloat16 (docs/performance.md). It is to find damage, not to
// judge rounding, which the caller has accepted.
const BFloat16Tolerance = 0.02

func (p Precision) validate() error {
	switch p {
	case "", Float32Precision, TensorFloat32, BFloat16, AutoPrecision:
		return nil
	}
	return fmt.Errorf("precision %q, want float32, tf32, bfloat16 or auto", p)
}

// session is the precision that one session is made with.
func (p Precision) session() Precision {
	if p == BFloat16 || p == TensorFloat32 {
		return p
	}
	return Float32Precision
}

// tolerance is what golden pairs are held to where p was asked for.
func (p Precision) tolerance() float64 {
	if p == BFloat16 || p == TensorFloat32 {
		return BFloat16Tolerance
	}
	return GoldenTolerance
}

// allowTensorFloat32 sets what the process does with float32 on a GPU.
func (p Precision) allowTensorFloat32() {
	tf.SetTensorFloat32(p.session() != Float32Precision)
}

// hasBFloat16 tells whether this processor computes in bfloat16 faster than in
// float32.
func hasBFloat16() bool {
	return cpu.X86.HasAVX512BF16 || cpu.X86.HasAMXBF16
}

// openAuto opens a folder in the precision that AutoPrecision comes to. fast is
// hasBFloat16's answer.
func openAuto(ctx context.Context, dir string, card Card, options Options, fast bool) (*Model, error) {
	reason, err := options.againstBFloat16(fast)
	if err != nil {
		return nil, err
	}
	if reason == "" {
		options.Precision = BFloat16
		model, err := openProven(ctx, dir, card, options, GoldenTolerance)
		if err == nil {
			model.precisionReason = "the golden pairs hold in bfloat16"
			return model, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		reason = fmt.Sprintf("in bfloat16: %v", err)
	}
	options.Precision = Float32Precision
	model, err := openProven(ctx, dir, card, options, GoldenTolerance)
	if err != nil {
		return nil, err
	}
	model.precisionReason = reason
	return model, nil
}

// againstBFloat16 is why bfloat16 need not be tried, "" where it should be.
func (o Options) againstBFloat16(fast bool) (string, error) {
	if !fast {
		return "the processor has neither AVX512-BF16 nor AMX-BF16", nil
	}
	onCPU, err := o.onCPU()
	if err != nil {
		return "", err
	}
	if !onCPU {
		return "the model runs on a GPU", nil
	}
	return "", nil
}
