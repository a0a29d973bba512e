package cli_test

import (
	"fmt"
	"strings"
	"testing"

	"siamese/cmd/internal/cli"
)

// TestURLKeepsSecrets: in no form of printing.
func TestURLKeepsSecrets(t *testing.T) {
	tests := []struct {
		give cli.URL
		want string
	}{
		{"", ""},
		{"http://127.0.0.1:4317", "http://127.0.0.1:4317"},
		{"https://host/path", "https://host/path"},
		{"https://user:secret@host:1/path", "https://xxxxx@host:1/path"},
		{"https://secret@host", "https://xxxxx@host"},
		{"https://host/?key=secret#secret", "https://host/?xxxxx#xxxxx"},
		{"localhost:4317", "localhost:4317"},
		{"user:secret@host", "xxxxx"},
		{"https://user:secret@host:port", "xxxxx"},
		{"secret", "xxxxx"},
	}
	type inner struct{ Endpoint cli.URL }
	for _, tt := range tests {
		if got := tt.give.String(); got != tt.want {
			t.Errorf("String() = %q, want %q", got, tt.want)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			if got := fmt.Sprintf(verb, struct{ inner }{inner{tt.give}}); strings.Contains(got, "secret") {
				t.Errorf("%s = %s, want no secret", verb, got)
			}
		}
	}
}
