package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"

	"siamese/internal/proctest"
	"siamese/server/access/accesstest"
)

func TestDialFlagsRefuse(t *testing.T) {
	s := newSecrets(t)
	empty := accesstest.WriteFile(t, s.folder, "empty", nil)
	tests := []struct {
		give     []string
		want     string
		wantCode int
	}{
		{[]string{"--server", "example.org:1", "--token-file", s.client[7]}, "would go in plain text to another machine", 2},
		{[]string{"--server", "127.0.0.1:1", "--token-file", empty}, "expected one token", 1},
		{[]string{"--server", "127.0.0.1:1", "--token-file", s.server[1]}, "expected one token", 1},
		{[]string{"--server", "127.0.0.1:1", "--tls-cert", s.client[3]}, "give both --tls-cert and --tls-key", 2},
		{[]string{"--server", "127.0.0.1:1", "--tls-ca", empty}, "received no certificate", 1},
		{[]string{"--server", "127.0.0.1:1", "--tls-ca", filepath.Join(s.folder, "none")}, "no such file", 1},
	}
	for _, tt := range tests {
		_, stderr, code := proctest.Run(t, "", append([]string{"compare", proctest.GlyphA, proctest.GlyphB}, tt.give...)...)
		if code != tt.wantCode || !strings.Contains(stderr, tt.want) {
			t.Errorf("compare %v = %q, exit code %d; want %q and %d", tt.give, stderr, code, tt.want, tt.wantCode)
		}
		proctest.OneLine(t, stderr)
	}
}
