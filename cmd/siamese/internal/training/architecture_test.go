package training

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"siamese/tfmodel"
)

// TestArchitectureOfFlags: without any the network is upstream's; the others are those
// that the card then has.
func TestArchitectureOfFlags(t *testing.T) {
	tests := []struct {
		give string
		want tfmodel.Architecture
	}{
		{"", tfmodel.VGG16(105, 105)},
		{"--input-size 128 --pooling average --projection 64 --unit", func() tfmodel.Architecture {
			a := tfmodel.VGG16(128, 128)
			a.Pooling, a.Projection, a.Unit = tfmodel.Average, 64, true
			return a
		}()},
		{"--pooling gem --gem-power 2", func() tfmodel.Architecture {
			a := tfmodel.VGG16(105, 105)
			a.Pooling, a.GeMPower = tfmodel.GeM, 2
			return a
		}()},
	}
	for _, tt := range tests {
		var command Command
		parser, err := kong.New(&command)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(strings.Fields(tt.give)); err != nil {
			t.Fatal(err)
		}
		// A run is resumed by its configuration: it must come back the same.
		saved, err := json.Marshal(command.trainFlags)
		if err != nil {
			t.Fatal(err)
		}
		var resumed trainFlags
		if err := json.Unmarshal(saved, &resumed); err != nil {
			t.Fatal(err)
		}
		for _, flags := range []trainFlags{command.trainFlags, resumed} {
			if diff := cmp.Diff(tt.want, flags.architecture()); diff != "" {
				t.Errorf("%q (-want +got):\n%s", tt.give, diff)
			}
		}
	}
}
