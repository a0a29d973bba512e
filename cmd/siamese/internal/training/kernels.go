package training

import (
	"fmt"
	"os"

	"golang.org/x/sys/cpu"

	"siamese/tfmodel"
)

// The variables by which TensorFlow is told which kernels to compute with. It reads them
// when its first operation runs.
const (
	deterministicOps = "TF_DETERMINISTIC_OPS"
	oneDNNOps        = "TF_ENABLE_ONEDNN_OPTS"
)

// chooseKernels tells TensorFlow which kernels this run wants. What the environment says
// already about oneDNN's stays.
func (f *trainFlags) chooseKernels() error {
	if f.Deterministic {
		if err := os.Setenv(deterministicOps, "1"); err != nil {
			return err
		}
	}
	_, given := os.LookupEnv(oneDNNOps)
	if given || !wantsOneDNN(tfmodel.Precision(f.Precision), cpu.X86.HasAVX2) {
		return nil
	}
	if err := os.Setenv(oneDNNOps, "1"); err != nil {
		return fmt.Errorf("train: oneDNN's kernels: %w", err)
	}
	return nil
}

// wantsOneDNN reports whether oneDNN's kernels are the faster ones to train with.
// TensorFlow takes them by itself only on processors with AVX512-VNNI or newer. Its plain
// kernels spend most of a backward pass on small maps on laying out weights in memory.
// In bfloat16 it is left to choose: oneDNN's kernels lack that on processors without
// AVX-512, and what stands in for them is ten times slower.
func wantsOneDNN(precision tfmodel.Precision, hasAVX2 bool) bool {
	return hasAVX2 && precision != tfmodel.BFloat16
}
