package cli_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"siamese/cmd/internal/cli"
)

// TestNotNegative: the flag at fault is named as kong names it, wherever it stands.
func TestNotNegative(t *testing.T) {
	type group struct {
		WarmUp int
		Share  float64
	}
	type flags struct {
		group
		Name   string
		Trials int `name:"oneshot-trials"`
		Every  time.Duration
	}
	tests := []struct {
		give    flags
		wantErr string // empty: none
	}{
		{flags{}, ""},
		{flags{group: group{WarmUp: 3, Share: 0.5}, Name: "-1", Trials: 2, Every: time.Second}, ""},
		{flags{group: group{WarmUp: -2}}, "--warm-up is -2, expected 0 or more"},
		{flags{group: group{Share: math.NaN()}}, "--share is NaN, expected 0 or more"},
		{flags{group: group{Share: math.Inf(1)}}, "--share is +Inf, expected 0 or more"},
		{flags{Trials: -1}, "--oneshot-trials is -1, expected 0 or more"},
		{flags{Every: -time.Second}, "--every is -1s, expected 0 or more"},
	}
	for _, tt := range tests {
		err := cli.NotNegative(tt.give)
		if (tt.wantErr == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
			t.Errorf("NotNegative(%+v) = %v, want %q", tt.give, err, tt.wantErr)
		}
	}
}
