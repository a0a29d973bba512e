//go:build gocv

package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"siamese/internal/proctest"
	"siamese/server/access/accesstest"
)

// TestServerThatAsksForSecrets is shown a certificate and a token, by the flags
// that siamese compare has.
func TestServerThatAsksForSecrets(t *testing.T) {
	authority, folder, own := accesstest.NewAuthority(t, "ours"), t.TempDir(), t.TempDir()
	ca := accesstest.WriteFile(t, folder, "ca.pem", authority.PEM)
	cert, key := authority.Issue(t, "server").Write(t, folder)
	ownCert, ownKey := authority.Issue(t, "camera").Write(t, own)
	token := filepath.Join(own, "token")
	line, err := exec.CommandContext(t.Context(), siamese(t), "token", "camera", "--out", token).Output()
	if err != nil {
		t.Fatalf("siamese token: %v", err)
	}
	tokens := accesstest.WriteFile(t, folder, "tokens", line)
	health := proctest.FreeAddress(t)
	server := proctest.ServeWatched(t, proctest.FreeAddress(t), health, "--http-addr", "", "--health-addr", health,
		"--tls-cert", cert, "--tls-key", key, "--tls-client-ca", ca, "--tokens", tokens)

	path := film(t, proctest.GlyphB)
	secured := []string{"--tls-ca", ca, "--tls-cert", ownCert, "--tls-key", ownKey}
	watch := func(flags []string) (stdout, stderr string, code int) {
		return runToEnd(t, append([]string{"--server", server.Address, "--reference", proctest.GlyphA, "--source", path, "--headless", "--connect-timeout", "5s"}, flags...)...)
	}
	stdout, stderr, code := watch(append(secured, "--token-file", token))
	if code != 0 || !strings.Contains(stdout, `"type":"score"`) {
		t.Errorf("with all secrets: exit code %d, %q; want 0 and scores:\n%s", code, stderr, stdout)
	}
	for name, flags := range map[string][]string{"token": secured, "certificate": {"--tls-ca", ca, "--token-file", token}} {
		if stdout, _, _ := watch(flags); strings.Contains(stdout, `"type":"score"`) || !strings.Contains(stdout, `"state":"waiting"`) {
			t.Errorf("without %s: want the server waited for and no score:\n%s", name, stdout)
		}
	}
}
