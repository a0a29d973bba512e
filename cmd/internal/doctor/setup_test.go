package doctor_test

import (
	"archive/zip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSetupBringsBackWhatWasDeleted: "make build" is what the doctor names where
// TensorFlow's library is missing or cut off, and scripts/setup.sh is what fetches it.
// A pip that copies a small wheel stands in for the Python Package Index.
func TestSetupBringsBackWhatWasDeleted(t *testing.T) {
	root := t.TempDir()
	env := append(os.Environ(), "TENSORFLOW_DIR=", "PATH="+packageIndex(t, root)+":"+os.Getenv("PATH"))
	setup := func() string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "bash", "scripts/setup.sh")
		cmd.Dir, cmd.Env = root, env
		said, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("setup.sh: %v\n%s", err, said)
		}
		return string(said)
	}
	if said := setup(); strings.Contains(said, "the system's") {
		t.Skipf("this system has a TensorFlow of its own, which setup.sh takes: %s", said)
	}
	library := filepath.Join(root, ".tensorflow/cpu/tensorflow/libtensorflow_cc.so.2")
	tests := []struct {
		name    string
		harm    func() error
		fetched bool
	}{
		{"nothing", func() error { return nil }, false},
		{"the library is gone", func() error { return os.Remove(library) }, true},
		{"the library is cut off", func() error { return os.Truncate(library, 3) }, true},
		{"a header is gone", func() error {
			return os.Remove(filepath.Join(root, ".tensorflow/cpu/tensorflow/include/tensorflow/c/c_api.h"))
		}, true},
		{"an older folder", func() error { return os.Remove(filepath.Join(root, ".tensorflow/cpu/.sizes")) }, false},
		{"an older folder without the library", func() error { return os.Remove(library) }, true},
	}
	for _, tt := range tests {
		if err := tt.harm(); err != nil {
			t.Fatal(err)
		}
		if said := setup(); strings.Contains(said, "it is fetched again") != tt.fetched {
			t.Errorf("%s: setup.sh printed %q, want it to fetch: %v", tt.name, said, tt.fetched)
		}
		if got, err := os.ReadFile(library); string(got) != "of the wheel" {
			t.Errorf("%s: the library is %q (%v) afterwards", tt.name, got, err)
		}
	}
}

// packageIndex copies setup.sh to root and makes a folder with a python3 whose pip
// "downloads" a wheel that holds the files which setup.sh unpacks.
func packageIndex(t *testing.T, root string) string {
	t.Helper()
	script, err := os.ReadFile("../../../scripts/setup.sh")
	if err != nil {
		t.Fatal(err)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3, by which setup.sh unpacks wheels")
	}
	wheel := filepath.Join(root, "tensorflow.whl")
	pip := "#!/bin/bash\n[ \"$1 $2\" = '-m pip' ] || exec " + python + " \"$@\"\n" +
		"while [ $# -gt 0 ]; do if [ \"$1\" = --dest ]; then cp " + wheel + " \"$2\"; fi; shift; done\n"
	writeWheel(t, wheel)
	write(t, filepath.Join(root, "scripts/setup.sh"), string(script), 0o644)
	write(t, filepath.Join(root, "scripts/requirements-cuda.txt"), "", 0o644)
	write(t, filepath.Join(root, "bin/python3"), pip, 0o755)
	return filepath.Join(root, "bin")
}

func writeWheel(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	archive := zip.NewWriter(file)
	for _, name := range []string{"libtensorflow_cc.so.2", "libtensorflow_framework.so.2", "include/tensorflow/c/c_api.h"} {
		member, err := archive.Create("tensorflow/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := member.Write([]byte("of the wheel")); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
