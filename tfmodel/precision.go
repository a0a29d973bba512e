package tfmodel

import (
	"context"
	"fmt"
	"strconv"
	"strings"

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
	// holds for the whole process: of several open models that differ in it, all
	// compute as the one that was opened last.
	TensorFloat32 Precision = "tf32"
	// BFloat16 has float32's range with 7 bits of fraction. It pays on GPUs of
	// compute capability 8.0 or newer and on processors with AVX512-BF16 or AMX,
	// and is slow on others. On a GPU what is left in float32, the head, is computed
	// as by TensorFloat32.
	BFloat16 Precision = "bfloat16"
	// AutoPrecision is for models that are loaded: the fastest precision in which
	// their golden pairs hold to GoldenTolerance. On a CPU that has instructions for
	// it BFloat16 is tried, on a GPU of compute capability 8.0 or newer, or of unknown
	// capability, BFloat16 and then TensorFloat32; where none holds it is
	// Float32Precision. Each try sets TensorFloat32's switch, and so for other open
	// models, too. Training and Export take AutoPrecision for Float32Precision.
	AutoPrecision Precision = "auto"
)

// BFloat16Tolerance is how far a golden pair's similarity may be off where
// BFloat16 or TensorFloat32 was asked for by name: three times the largest error
// of 80 pairs in BFloat16 (docs/performance.md). It finds damage; rounding the
// caller has accepted.
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

// hasBFloat16 reports whether this processor computes in bfloat16 faster than in
// float32.
func hasBFloat16() bool {
	return cpu.X86.HasAVX512BF16 || cpu.X86.HasAMXBF16
}

// processor is what AutoPrecision goes by.
type processor struct {
	onCPU       bool
	hasBFloat16 bool   // the CPU has instructions for it
	capability  string // the GPU's compute capability, such as "9.0"; "" if unknown
}

// readProcessor describes what a model with these options runs on.
func readProcessor(options Options) (processor, error) {
	found := processor{hasBFloat16: hasBFloat16()}
	var err error
	if found.onCPU, err = options.onCPU(); err != nil || found.onCPU {
		return found, err
	}
	// The driver's number is another card's where CUDA_VISIBLE_DEVICES reorders
	// cards of several kinds. That costs speed or a refused load, no wrong answer.
	_, number, err := parseDevice(options.Device)
	if gpu, ok := ReadGPU(number); ok {
		found.capability = gpu.ComputeCapability
	}
	return found, err
}

// tensorCores is the compute capability from which GPUs have TensorFloat32 and
// bfloat16.
const tensorCores = 8.0

// candidates are the precisions that AutoPrecision tries, the fastest first. The
// last is always Float32Precision. missing says why others are left out, "" where
// none is.
func (p processor) candidates() (precisions []Precision, missing string) {
	if p.onCPU {
		if !p.hasBFloat16 {
			return []Precision{Float32Precision}, "the processor has neither AVX512-BF16 nor AMX-BF16"
		}
		return []Precision{BFloat16, Float32Precision}, ""
	}
	if capability, err := strconv.ParseFloat(p.capability, 64); err == nil && capability < tensorCores {
		return []Precision{Float32Precision}, fmt.Sprintf("the GPU's compute capability is %s, bfloat16 and tf32 need 8.0", p.capability)
	}
	return []Precision{BFloat16, TensorFloat32, Float32Precision}, ""
}

// openFirst opens a model in the first precision in which open gives no error.
// missing is why the list is short, "" where it is not.
//
// The candidate that is returned is the one opened last, so that the process-wide
// switch of TensorFloat32 is as it needs it.
func openFirst(ctx context.Context, precisions []Precision, missing string, open func(Precision) (*Model, error)) (*Model, error) {
	var reasons []string
	if missing != "" {
		reasons = append(reasons, missing)
	}
	for {
		precision := precisions[0]
		precisions = precisions[1:]
		model, err := open(precision)
		if err == nil {
			if precision != Float32Precision {
				reasons = append(reasons, fmt.Sprintf("the golden pairs hold in %s", precision))
			}
			model.precisionReason = strings.Join(reasons, "; ")
			return model, nil
		}
		if len(precisions) == 0 || ctx.Err() != nil {
			return nil, err
		}
		reasons = append(reasons, fmt.Sprintf("in %s: %v", precision, err))
	}
}
