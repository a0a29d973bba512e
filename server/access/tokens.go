package access

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"siamese/internal/regular"
)

const (
	// tokenPrefix lets scanners of leaked secrets know a token.
	tokenPrefix = "siamese_"

	// tokenBytes are the random bytes of a token: too many to guess
	// one, and that a plain hash of it gives nothing away.
	tokenBytes = 32

	maxTokenLength = 512     // bytes of a token that is looked at
	maxTokensBytes = 1 << 20 // of the file: some ten thousand tokens
	maxTokenName   = 64      // bytes
)

// Tokens are the bearer tokens that a file lists by their hashes, one a line:
//
//	name:hash
//
// where hash is the token's SHA-256 in hexadecimal. Empty lines and lines that
// begin with # say nothing. A name may have several tokens, so that one can be
// replaced without a gap. It is safe for concurrent use.
type Tokens struct {
	path  string
	held  atomic.Pointer[tokenList]
	looks looks // Reload's
}

// tokenList is what the file said; it does not change.
type tokenList struct {
	text   []byte
	tokens []token
}

type token struct {
	name string
	hash [sha256.Size]byte
}

// OpenTokens reads the file at path. A file with no token is refused: it is
// more likely half-written than meant to lock out everybody.
func OpenTokens(path string) (*Tokens, error) {
	t := &Tokens{path: path}
	if _, err := t.Reload(); err != nil {
		return nil, err
	}
	return t, nil
}

// Reload implements [Source]. A token that is no longer in the file is refused
// from the next call on.
func (t *Tokens) Reload() (changed bool, err error) {
	text, err := regular.Read(t.path, maxTokensBytes)
	if err != nil {
		return false, fmt.Errorf("access: tokens: %w", err)
	}
	held := t.held.Load()
	if held != nil && bytes.Equal(held.text, text) {
		return false, nil
	}
	tokens, err := parseTokens(string(text))
	if err != nil {
		return false, fmt.Errorf("access: tokens in %s: %w", t.path, err)
	}
	if held != nil {
		if err := t.looks.check([]string{t.path}, [][]byte{held.text}, [][]byte{text}); err != nil {
			return false, fmt.Errorf("access: tokens: %w", err)
		}
	}
	t.held.Store(&tokenList{text: text, tokens: tokens})
	return true, nil
}

// String implements [Source].
func (t *Tokens) String() string { return "tokens in " + t.path }

// Name returns the name of a token, or false for one that is not in the file.
// How long it takes tells nothing of how much of a token is right.
func (t *Tokens) Name(given string) (name string, known bool) {
	if given == "" || len(given) > maxTokenLength {
		return "", false
	}
	hash := sha256.Sum256([]byte(given))
	tokens := t.held.Load().tokens
	found := -1
	for i := range tokens {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], tokens[i].hash[:]), i, found)
	}
	if found < 0 {
		return "", false
	}
	return tokens[found].name, true
}

// NewToken makes a token for name, and the line that lists it in the file of
// [OpenTokens]. The token is told here and kept nowhere.
func NewToken(name string) (token, line string, err error) {
	if err := checkTokenName(name); err != nil {
		return "", "", fmt.Errorf("access: new token: %w", err)
	}
	var random [tokenBytes]byte
	_, _ = rand.Read(random[:]) // never fails: it would end the program
	token = tokenPrefix + base64.RawURLEncoding.EncodeToString(random[:])
	hash := sha256.Sum256([]byte(token))
	return token, name + ":" + hex.EncodeToString(hash[:]), nil
}

// parseTokens never repeats what it read: a token may be there by mistake.
func parseTokens(text string) ([]token, error) {
	var tokens []token
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		parsed, err := parseToken(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		tokens = append(tokens, parsed)
	}
	if len(tokens) == 0 {
		return nil, errors.New("received no token, expected a line name:hash for each (`siamese token NAME` makes one)")
	}
	return tokens, nil
}

func parseToken(line string) (token, error) {
	name, digits, found := strings.Cut(line, ":")
	if !found {
		return token{}, errors.New("received a line without a colon, expected name:hash")
	}
	if err := checkTokenName(name); err != nil {
		return token{}, err
	}
	hash, err := hex.DecodeString(digits)
	if err != nil || len(hash) != sha256.Size {
		return token{}, fmt.Errorf("received %d characters after the name, expected the token's SHA-256 as %d hexadecimal digits", len(digits), 2*sha256.Size)
	}
	return token{name: name, hash: [sha256.Size]byte(hash)}, nil
}

// checkTokenName keeps names to what logs and metrics show as it is.
func checkTokenName(name string) error {
	foreign := strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-@", r)
	})
	if name == "" || len(name) > maxTokenName || foreign {
		return fmt.Errorf("received a name of %d bytes, expected 1 to %d letters, digits, dots, dashes, underscores or @", len(name), maxTokenName)
	}
	return nil
}
