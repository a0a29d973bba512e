package training

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/cpu"

	"siamese/tfmodel"
)

// The variables by which TensorFlow is told which kernels to compute with. The first is
// read when the first operation runs, the second while the library is loaded, before main.
const (
	deterministicOps = "TF_DETERMINISTIC_OPS"
	oneDNNOps        = "TF_ENABLE_ONEDNN_OPTS"
)

// chooseKernels puts into the environment which kernels this run wants, and reports
// whether the program has to begin again for TensorFlow to see it. What the environment
// says already about oneDNN's stays.
func (f *trainFlags) chooseKernels() (beginsAgain bool, err error) {
	if f.Deterministic {
		if err := os.Setenv(deterministicOps, "1"); err != nil {
			return false, err
		}
	}
	_, given := os.LookupEnv(oneDNNOps)
	if given || !wantsOneDNN(tfmodel.Precision(f.Precision), cpu.X86.HasAVX2) || readsPipe(os.Args, os.Environ()) {
		return false, nil
	}
	return true, os.Setenv(oneDNNOps, "1")
}

// wantsOneDNN reports whether oneDNN's kernels are the faster ones to train with.
// TensorFlow takes them by itself only on processors with AVX512-VNNI or newer. Its plain
// kernels spend most of a backward pass on small maps on laying out weights in memory.
// In bfloat16 it is left to choose: oneDNN's kernels lack that on processors without
// AVX-512, and what stands in for them is ten times slower.
func wantsOneDNN(precision tfmodel.Precision, hasAVX2 bool) bool {
	return hasAVX2 && precision != tfmodel.BFloat16
}

// readsPipe reports whether an argument or one of this program's variables names a pipe,
// such as --config <(...), which can be read only once and so not by a program that begins
// again.
func readsPipe(arguments, environment []string) bool {
	for _, given := range slices.Concat(arguments, environment) {
		name, value, found := strings.Cut(given, "=")
		switch {
		case !found:
			value = given
		case !strings.HasPrefix(name, "-") && !strings.HasPrefix(name, "SIAMESE_"):
			continue
		}
		if info, err := os.Stat(value); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
			return true
		}
	}
	return false
}

// beginAgain runs this program in this process's place, with the environment as it is now.
// It returns only if it can't.
func beginAgain() error {
	program, err := os.Executable()
	if err == nil {
		err = syscall.Exec(program, os.Args, os.Environ())
	}
	return fmt.Errorf("train: can't begin again with oneDNN's kernels, %s=0 does without them: %w", oneDNNOps, err)
}
