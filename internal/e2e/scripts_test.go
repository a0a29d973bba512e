package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	"siamese/server/access/accesstest"
)

// TestScriptsShowSecrets: the environment tells the grpcurl scripts what the
// flags tell compare; the token is on no command line.
func TestScriptsShowSecrets(t *testing.T) {
	grpcurl := os.Getenv("GRPCURL")
	if grpcurl == "" {
		t.Skip("GRPCURL is not set: `make test` sets it to the grpcurl that it installs")
	}
	s := newSecrets(t)
	server := s.serveSecured(t, "--http-addr", "")
	arguments := filepath.Join(s.folder, "arguments")
	witness := accesstest.WriteFile(t, s.folder, "grpcurl", []byte("#!/bin/sh\necho \"$@\" >> "+arguments+"\nexec "+grpcurl+" \"$@\"\n"))
	if err := os.Chmod(witness, 0o700); err != nil {
		t.Fatal(err)
	}
	token := "SIAMESE_TOKEN_FILE=" + s.client[7]
	secured := []string{"SIAMESE_TLS_CA=" + s.client[1], "SIAMESE_TLS_CERT=" + s.client[3], "SIAMESE_TLS_KEY=" + s.client[5]}
	run := func(name string, environment []string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), filepath.Join(proctest.Root, "scripts", name), args...)
		cmd.Env = append(append(os.Environ(), "GRPCURL="+witness, "SIAMESE_ADDR="+server.Address), environment...)
		output, _ := cmd.CombinedOutput() // a failure is among what is printed
		return string(output)
	}
	tests := []struct {
		script      string
		environment []string
		args        []string
		want        string
	}{
		{"grpcurl-compare.sh", append(secured, token), []string{proctest.GlyphA, proctest.GlyphB}, `"same": true`},
		{"grpcurl-stream.sh", append(secured, token), []string{proctest.GlyphA, proctest.GlyphB}, fixture.ScoreAB + "\tsame"},
		{"grpcurl-compare.sh", secured, []string{proctest.GlyphA, proctest.GlyphB}, "Unauthenticated"},
		{"grpcurl-compare.sh", []string{token, "SIAMESE_ADDR=example.org:1"}, []string{proctest.GlyphA, proctest.GlyphB}, "in plain text to another machine"},
	}
	for _, tt := range tests {
		if got := run(tt.script, tt.environment, tt.args...); !strings.Contains(got, tt.want) {
			t.Errorf("%s with %d variables printed %q, want %q", tt.script, len(tt.environment), got, tt.want)
		}
	}
	if got := string(proctest.ReadFile(t, arguments)); !strings.Contains(got, "-expand-headers") || strings.Contains(got, "siamese_") {
		t.Errorf("grpcurl was run by %q, want it told of a token and not which", got)
	}
}
