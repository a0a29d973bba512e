package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siamese/internal/proctest"
)

func TestTokenCommand(t *testing.T) {
	stdout, stderr, code := proctest.Run(t, "", "token", "camera")
	name, hash, found := strings.Cut(strings.TrimSpace(stdout), ":")
	if code != 0 || !found || name != "camera" || len(hash) != 64 || !strings.Contains(stderr, ": siamese_") {
		t.Errorf("token = %q, %q, exit code %d; want a line and a token", stdout, stderr, code)
	}
	out := filepath.Join(t.TempDir(), "token")
	if _, _, code := proctest.Run(t, "", "token", "camera", "--out", out); code != 0 {
		t.Fatalf("token --out: exit code %d", code)
	}
	written := proctest.ReadFile(t, out)
	if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the token's file: %v, %v; want mode 600", info, err)
	}
	if _, stderr, code := proctest.Run(t, "", "token", "camera", "--out", out); code != 1 || string(proctest.ReadFile(t, out)) != string(written) {
		t.Errorf("token --out over a token = %q, exit code %d; want it refused and the file as it was", stderr, code)
	}
	if _, stderr, code := proctest.Run(t, "", "token", "a:b"); code != 2 || !strings.Contains(stderr, "received a name") {
		t.Errorf("token a:b = %q, exit code %d; want the name refused", stderr, code)
	}
}
