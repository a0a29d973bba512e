package training

import (
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestStartOfABuiltInModel: by name; a file of that name comes first.
func TestStartOfABuiltInModel(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("omniglot", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		give, wantPath string
		want           bool
	}{
		{"builtin", "general", true}, {"builtin:general", "general", true}, {"builtin:omniglot", "omniglot", true}, {"general", "general", true},
		{"omniglot", "omniglot", false}, {"builtin:", "builtin:", false}, {"vgg16", "vgg16", false}, {"weights.h5", "weights.h5", false},
	}
	for _, tt := range tests {
		if path, is := builtInStart(tt.give); path != tt.wantPath || is != tt.want {
			t.Errorf("builtInStart(%q) = %q, %t, want %q, %t", tt.give, path, is, tt.wantPath, tt.want)
		}
	}
	err := trainFlags{Start: "vgg16"}.checkStart()
	if err == nil || !strings.Contains(err.Error(), "--start vgg16") || !strings.Contains(err.Error(), "nothing is fetched") || !strings.Contains(err.Error(), "--start builtin") {
		t.Errorf("checkStart of vgg16 = %v, want what is to be had and how", err)
	}
	if err := (trainFlags{Start: "omniglot"}).checkStart(); err != nil {
		t.Errorf("checkStart of a file = %v, want nil", err)
	}
}

// TestNetworkFlags: the flags that a network is told with make that network.
func TestNetworkFlags(t *testing.T) {
	for _, give := range []string{
		"--pooling flatten --input-size 105", "--pooling average --input-size 128 --projection 512 --unit", "--pooling gem --input-size 64 --gem-power 2.5",
	} {
		var f trainFlags
		parser, err := kong.New(&f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(strings.Fields(give)); err != nil {
			t.Fatal(err)
		}
		if got := networkFlags(f.architecture()); got != give {
			t.Errorf("networkFlags of %s = %s", give, got)
		}
	}
}
