package doctor

import (
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/sys/cpu"
)

// Processor says what TensorFlow needs of the processor, and what makes it faster.
func Processor() Check {
	const name = "processor"
	if runtime.GOARCH != "amd64" {
		return Warn(name, fmt.Sprintf("%s: TensorFlow's wheel is for x86-64", runtime.GOARCH), "build with a TensorFlow C library for it: TENSORFLOW_DIR=… make build")
	}
	if !cpu.X86.HasAVX {
		return Fail(name, "no AVX, without which TensorFlow's wheel does not start", "use another machine, or build TensorFlow without AVX: TENSORFLOW_DIR=… make build")
	}
	var has, lacks []string
	for _, feature := range []struct {
		name string
		has  bool
	}{
		{"AVX2", cpu.X86.HasAVX2}, {"FMA", cpu.X86.HasFMA}, {"AVX-512", cpu.X86.HasAVX512F},
		{"AVX512-VNNI", cpu.X86.HasAVX512VNNI}, {"AVX512-BF16", cpu.X86.HasAVX512BF16}, {"AMX-BF16", cpu.X86.HasAMXBF16},
	} {
		if feature.has {
			has = append(has, feature.name)
		} else {
			lacks = append(lacks, feature.name)
		}
	}
	found := fmt.Sprintf("%d cores, AVX", runtime.NumCPU())
	if len(has) > 0 {
		found += ", " + strings.Join(has, ", ")
	}
	if len(lacks) > 0 {
		found += "; without " + strings.Join(lacks, ", ")
	}
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		return Warn(name, found, "it works, several times as slow as with AVX2 and FMA: use a processor of 2014 or newer")
	}
	if cpu.X86.HasAVX512BF16 || cpu.X86.HasAMXBF16 {
		found += " (--precision auto computes in bfloat16)"
	}
	return Fine(name, "%s", found)
}
