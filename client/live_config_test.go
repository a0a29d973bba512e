package client_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"siamese/client"
)

func TestLiveConfigValidate(t *testing.T) {
	share := func(v float32) *float32 { return &v }
	tests := []struct {
		name string
		give client.LiveConfig
		want string // part of the error; empty: none
	}{
		{"defaults", client.LiveConfig{}, ""},
		{"all set", client.LiveConfig{
			References: one, Window: 64, Threshold: share(1), MinBackoff: time.Second, MaxBackoff: time.Second, AnswerTimeout: time.Second,
		}, ""},
		{"a long least backoff", client.LiveConfig{MinBackoff: time.Minute}, ""},
		{"window below 0", client.LiveConfig{Window: -1}, "Window is -1, expected 0 (the default) to 64"},
		{"window over 64", client.LiveConfig{Window: 65}, "Window is 65, expected 0 (the default) to 64"},
		{"threshold over 1", client.LiveConfig{Threshold: share(1.5)}, "Threshold is 1.5, expected 0 to 1"},
		{"threshold NaN", client.LiveConfig{Threshold: share(float32(math.NaN()))}, "Threshold is NaN, expected 0 to 1"},
		{"least backoff below 0", client.LiveConfig{MinBackoff: -1}, "MinBackoff is -1ns, expected 0"},
		{"backoffs crossed", client.LiveConfig{MinBackoff: 2, MaxBackoff: 1}, "MaxBackoff is 1ns, expected at least MinBackoff, 2ns"},
		{"timeout below 0", client.LiveConfig{AnswerTimeout: -1}, "AnswerTimeout is -1ns, expected 0"},
		{"a reference without name", client.LiveConfig{References: []client.Reference{one[0], {Image: gray(1)}}},
			"References[1]: received a name of 0 bytes"},
		{"a name twice", client.LiveConfig{References: []client.Reference{one[0], one[0]}},
			`References[1] has the name "a" of References[0]`},
		{"too many", client.LiveConfig{References: make([]client.Reference, 257)}, "References has 257, expected at most 256"},
	}
	for _, tt := range tests {
		err := tt.give.Validate()
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: Validate() = %v, want none", tt.name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Validate() = %v, want %q", tt.name, err, tt.want)
		}
		if _, err := connectTo(t, nil).Live(t.Context(), tt.give); err == nil {
			t.Errorf("%s: Live = no error, want Validate's", tt.name)
		}
	}
}

func TestPhaseString(t *testing.T) {
	got := fmt.Sprint([]client.Phase{client.Connecting, client.Streaming, client.Draining, client.Waiting, client.Closed})
	if want := "[connecting streaming draining waiting closed]"; got != want {
		t.Errorf("phases are %s, want %s", got, want)
	}
}
