package training

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/cpu"

	"siamese/tfmodel"
)

// unset takes a variable from the environment until the test's end.
func unset(t *testing.T, name string) {
	t.Helper()
	t.Setenv(name, "") // which puts back what was there
	if err := os.Unsetenv(name); err != nil {
		t.Fatal(err)
	}
}

func TestChooseKernels(t *testing.T) {
	byItself := ""
	if cpu.X86.HasAVX2 {
		byItself = "1"
	}
	tests := []struct {
		name          string
		precision     tfmodel.Precision
		deterministic bool
		given         map[string]string
		oneDNN        string
		fixedOrder    string
	}{
		{name: "float32", precision: tfmodel.Float32Precision, oneDNN: byItself},
		{name: "tf32", precision: tfmodel.TensorFloat32, oneDNN: byItself},
		{name: "bfloat16 is TensorFlow's choice", precision: tfmodel.BFloat16},
		{name: "the environment's stays", precision: tfmodel.Float32Precision, given: map[string]string{oneDNNOps: "0"}, oneDNN: "0"},
		{name: "deterministic", precision: tfmodel.Float32Precision, deterministic: true, oneDNN: byItself, fixedOrder: "1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			unset(t, oneDNNOps)
			unset(t, deterministicOps)
			for name, value := range test.given {
				t.Setenv(name, value)
			}
			flags := trainFlags{Precision: string(test.precision), Deterministic: test.deterministic}
			beginsAgain, err := flags.chooseKernels()
			if err != nil {
				t.Fatal(err)
			}
			if want := test.given == nil && test.oneDNN != ""; beginsAgain != want {
				t.Errorf("begins again: %t, want %t", beginsAgain, want)
			}
			if got := os.Getenv(oneDNNOps); got != test.oneDNN {
				t.Errorf("%s is %q, want %q", oneDNNOps, got, test.oneDNN)
			}
			if got := os.Getenv(deterministicOps); got != test.fixedOrder {
				t.Errorf("%s is %q, want %q", deterministicOps, got, test.fixedOrder)
			}
		})
	}
}

func TestWantsOneDNN(t *testing.T) {
	if wantsOneDNN(tfmodel.Float32Precision, false) {
		t.Error("oneDNN is wanted without AVX2")
	}
	if !wantsOneDNN(tfmodel.Float32Precision, true) {
		t.Error("oneDNN is not wanted with AVX2")
	}
}

func TestReadsPipe(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(reader.Close(), writer.Close()); err != nil {
			t.Error(err)
		}
	}()
	pipe, file := fmt.Sprintf("/proc/self/fd/%d", reader.Fd()), filepath.Join(t.TempDir(), "flags.json")
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		argument, variable string
		want               bool
	}{
		{argument: pipe, want: true},
		{argument: "--config=" + pipe, want: true},
		{argument: file},
		{argument: "--run=missing"},
		{argument: ""},
		{variable: "SIAMESE_CONFIG=" + pipe, want: true},
		{variable: "SIAMESE_CONFIG=" + file},
		{variable: "OTHER=" + pipe},
	} {
		if got := readsPipe([]string{"train", tt.argument}, []string{tt.variable}); got != tt.want {
			t.Errorf("readsPipe(%q, %q) = %t, want %t", tt.argument, tt.variable, got, tt.want)
		}
	}
}
