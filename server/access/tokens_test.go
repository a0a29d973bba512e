package access_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"siamese/internal/regular"
	"siamese/server/access"
	"siamese/server/access/accesstest"
)

func hashLine(name, token string) string {
	hash := sha256.Sum256([]byte(token))
	return name + ":" + hex.EncodeToString(hash[:]) + "\n"
}

func openTokens(t *testing.T, text string) (tokens *access.Tokens, folder string) {
	t.Helper()
	folder = t.TempDir()
	tokens, err := access.OpenTokens(accesstest.WriteFile(t, folder, "tokens", []byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	return tokens, folder
}

func TestTokensName(t *testing.T) {
	tokens, _ := openTokens(t, "# callers\n\n"+hashLine("ann", "a-token")+hashLine("bob", "b-token")+
		hashLine("ann", "a-newer-token"))
	tests := []struct {
		give      string
		wantName  string
		wantKnown bool
	}{
		{"a-token", "ann", true},
		{"b-token", "bob", true},
		{"a-newer-token", "ann", true}, // a name may have two: one of them is on its way out
		{"", "", false},
		{"a-toke", "", false},
		{"a-token ", "", false},
		{strings.TrimSpace(strings.TrimPrefix(hashLine("ann", "a-token"), "ann:")), "", false}, // a hash opens nothing
		{strings.Repeat("x", 1<<20), "", false},
	}
	for _, tt := range tests {
		if name, known := tokens.Name(tt.give); name != tt.wantName || known != tt.wantKnown {
			t.Errorf("Name(%.40q) = %q, %v, want %q, %v", tt.give, name, known, tt.wantName, tt.wantKnown)
		}
	}
}

func TestNewTokenIsListedByItsLine(t *testing.T) {
	first, line, err := access.NewToken("camera-7@yard.example")
	if err != nil {
		t.Fatal(err)
	}
	tokens, _ := openTokens(t, line)
	if name, known := tokens.Name(first); !known || name != "camera-7@yard.example" {
		t.Errorf("Name of the new token = %q, %v, want its name", name, known)
	}
	if strings.Contains(line, first) || !strings.HasPrefix(first, "siamese_") || len(first) < 40 {
		t.Errorf("token %q with line %q, want a long one that the line hides", first, line)
	}
	if second, _, _ := access.NewToken("camera-7@yard.example"); second == first {
		t.Errorf("two tokens are both %q, want different ones", first)
	}
	for _, name := range []string{"", "a:b", "a b", "ä", strings.Repeat("a", 65), "a\n"} {
		if _, _, err := access.NewToken(name); err == nil {
			t.Errorf("NewToken(%q) = nil, want an error", name)
		}
	}
}

// TestOpenTokensRefuses: the reason is told with the line, and nothing of what
// the line holds, which may be a token.
func TestOpenTokensRefuses(t *testing.T) {
	const secret = "siamese_secret"
	tests := []struct {
		name, give, want string
	}{
		{"empty", "", "received no token"},
		{"comments alone", "# " + secret + "\n\n", "received no token"},
		{"no colon", hashLine("ann", "a") + secret + "\n", "line 2: received a line without a colon"},
		{"a token for its hash", "\n# who\nann:" + secret + "\n", "line 3: received 14 characters after the name, expected the token's SHA-256 as 64"},
		{"half a hash", hashLine("ann", "a")[:40], "line 1: received 36 characters"},
		{"no name", hashLine("", "a"), "line 1: received a name of 0 bytes"},
		{"a name with a space", hashLine("an n", "a"), "line 1: received a name of 4 bytes"},
		{"vast", strings.Repeat("#", 2<<20), "expected at most 1048576"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := access.OpenTokens(accesstest.WriteFile(t, t.TempDir(), "tokens", []byte(tt.give)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("OpenTokens = %v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("OpenTokens = %v, which tells what the file holds", err)
			}
		})
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := access.OpenTokens(pipe); !errors.Is(err, regular.ErrNotRegular) {
		t.Errorf("OpenTokens of a pipe = %v, want ErrNotRegular", err)
	}
	if _, err := access.OpenCertificates(access.CertificateFiles{Certificate: pipe, Key: pipe}); !errors.Is(err, regular.ErrNotRegular) {
		t.Errorf("OpenCertificates of a pipe = %v, want ErrNotRegular", err)
	}
	if _, err := access.OpenTokens(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("OpenTokens of no file = %v, want fs.ErrNotExist", err)
	}
}

func TestTokensReload(t *testing.T) {
	tokens, folder := openTokens(t, hashLine("ann", "a"))
	steps := []struct {
		name        string
		give        string
		wantChanged bool
		wantError   bool
		wantA       bool
		wantB       bool
	}{
		{"as before", hashLine("ann", "a"), false, false, true, false},
		{"one more", hashLine("ann", "a") + hashLine("bob", "b"), true, false, true, true},
		{"half-written", hashLine("bob", "b")[:30], false, true, true, true},
		{"emptied", "", false, true, true, true},
		{"one revoked", hashLine("bob", "b"), true, false, false, true},
	}
	for _, step := range steps {
		accesstest.WriteFile(t, folder, "tokens", []byte(step.give))
		changed, err := tokens.Reload()
		if changed != step.wantChanged || (err != nil) != step.wantError {
			t.Errorf("%s: Reload = %v, %v, want %v and an error: %v", step.name, changed, err, step.wantChanged, step.wantError)
		}
		if _, known := tokens.Name("a"); known != step.wantA {
			t.Errorf("%s: token a is known: %v, want %v", step.name, known, step.wantA)
		}
		if _, known := tokens.Name("b"); known != step.wantB {
			t.Errorf("%s: token b is known: %v, want %v", step.name, known, step.wantB)
		}
	}
	if err := os.Remove(filepath.Join(folder, "tokens")); err != nil {
		t.Fatal(err)
	}
	if _, err := tokens.Reload(); err == nil {
		t.Error("Reload of a file that is gone = nil, want an error")
	}
	if _, known := tokens.Name("b"); !known {
		t.Error("token b is unknown after its file has gone, want it known")
	}
}

// TestTokensAreWholeOrNotTaken: at no byte can the file be cut off so that a look
// takes it over and its later callers are locked out; what stays so was meant.
func TestTokensAreWholeOrNotTaken(t *testing.T) {
	first := hashLine("ann", "a")
	whole := first + "# and\n" + hashLine("bob", "b")
	tokens, folder := openTokens(t, whole)
	for cut := range len(whole) - 1 { // without the last newline nothing is missing
		accesstest.WriteFile(t, folder, "tokens", []byte(whole[:cut]))
		if changed, err := tokens.Reload(); changed || err == nil {
			t.Fatalf("Reload of the file cut after %d of %d bytes = %v, %v, want an error", cut, len(whole), changed, err)
		}
	}
	accesstest.WriteFile(t, folder, "tokens", []byte(first))
	if changed, err := tokens.Reload(); changed || err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("the first look at the shorter file = %v, %v, want an error", changed, err)
	}
	if changed, err := tokens.Reload(); !changed || err != nil {
		t.Errorf("the second look = %v, %v, want it taken over", changed, err)
	}
	if _, known := tokens.Name("b"); known {
		t.Error("token b is known after it was removed")
	}
}
