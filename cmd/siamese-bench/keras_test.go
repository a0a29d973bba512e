package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siamese/tfmodel"
)

func TestNoKerasSaysWhy(t *testing.T) {
	t.Chdir("../..") // the script is named from the repository root
	program := filepath.Join(t.TempDir(), "python")
	if err := os.WriteFile(program, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		give string
		want string // "": there is something to compare with
	}{
		{program, ""},
		{program + "3", "make parity"},
	}
	for _, tt := range tests {
		got := kerasFlags{Keras: tt.give}.noKeras(tfmodel.DeviceCPU)
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("noKeras with %s = %q, want %q", tt.give, got, tt.want)
		}
	}
}
