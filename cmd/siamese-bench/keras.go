package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"siamese/tfmodel"
	"siamese/weights"
)

// kerasScript is run from the repository root.
const kerasScript = "scripts/keras_bench.py"

// kerasFlags choose what is compared with.
type kerasFlags struct {
	Keras string `help:"A Python with Keras to compare with, from the repository root; 'make parity' makes the default one." default:".venv/bin/python" placeholder:"PYTHON"`
}

// kerasCommand starts Keras on the same weights. It is nil, and the reason is
// printed, where there is nothing to compare with.
func (f kerasFlags) kerasCommand(dir, device string, set *weights.Set, log io.Writer) ([]string, error) {
	if reason := f.noKeras(device); reason != "" {
		fmt.Fprintf(log, "bench: no comparison with Keras: %s\n", reason)
		return nil, nil
	}
	var file bytes.Buffer
	if err := weights.WriteSafetensors(&file, set, weights.Float32, nil); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "weights.safetensors")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		return nil, err
	}
	return []string{f.Keras, kerasScript, "--weights", path}, nil
}

// noKeras says why there is nothing to compare with, empty where there is.
func (f kerasFlags) noKeras(device string) string {
	for _, path := range []string{f.Keras, kerasScript} {
		if _, err := os.Stat(path); err != nil {
			return fmt.Sprintf("%v ('make parity' makes .venv; run from the repository root)", err)
		}
	}
	devices, err := tfmodel.Devices()
	if err != nil {
		return err.Error()
	}
	for _, found := range devices {
		if device != tfmodel.DeviceCPU && strings.HasPrefix(found.Name, "gpu") {
			return "it runs on the CPU and this program on " + found.Name + "; --device cpu compares"
		}
	}
	return ""
}
