package tfmodel_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"siamese/tfmodel"
	"siamese/tfmodel/builtin"
	"siamese/weights"
)

// writeWeights writes a weight file of the tiny network with its card beside it.
func writeWeights(t *testing.T, withCard bool) string {
	t.Helper()
	var file bytes.Buffer
	must(t, weights.WriteSafetensors(&file, randomWeights(t, tiny(), 1), weights.Float32, nil))
	dir := t.TempDir()
	write(t, dir, "own.safetensors", file.Bytes())
	if withCard {
		card := tfmodel.Card{Name: "own", Architecture: tiny(), Parameters: tiny().Parameters(), Threshold: 0.25}
		data, err := json.Marshal(card)
		must(t, err)
		write(t, dir, "own.json", data)
	}
	return filepath.Join(dir, "own.safetensors")
}

func open(t *testing.T, store *tfmodel.Store, path string) *tfmodel.Model {
	t.Helper()
	model, err := store.Open(t.Context(), path, tfmodel.Options{})
	must(t, err)
	t.Cleanup(func() { _ = model.Close() })
	return model
}

func TestOpenWeightFile(t *testing.T) {
	store := &tfmodel.Store{Dir: t.TempDir()}
	model := open(t, store, writeWeights(t, true))
	card := model.Card()
	if card.Name != "own" || card.Threshold != 0.25 || card.Weights.Digest != randomWeights(t, tiny(), 1).Digest() {
		t.Errorf("card has name %q, threshold %v, digest %s; want those of the file and its card", card.Name, card.Threshold, card.Weights.Digest)
	}
}

func TestOpenUnpacksOnceAndMendsDamage(t *testing.T) {
	store := &tfmodel.Store{Dir: t.TempDir()}
	path := writeWeights(t, true)
	must(t, open(t, store, path).Close())
	graphs, err := filepath.Glob(filepath.Join(store.Dir, "*", "own", "1", "saved_model.pb"))
	must(t, err)
	if len(graphs) != 1 {
		t.Fatalf("the store holds %v, want one saved_model.pb", graphs)
	}
	old := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(graphs[0], old, old))
	must(t, open(t, store, path).Close())
	info, err := os.Stat(graphs[0])
	must(t, err)
	if !info.ModTime().Equal(old.Truncate(time.Nanosecond)) && info.ModTime().Sub(old).Abs() > time.Second {
		t.Errorf("the model was written again, at %v, want it used as it was", info.ModTime())
	}
	flip(t, filepath.Dir(graphs[0]), "saved_model.pb")
	must(t, open(t, store, path).Close())
	info, err = os.Stat(graphs[0])
	must(t, err)
	if info.ModTime().Sub(old) < time.Minute {
		t.Error("the damaged model was not written again")
	}
}

func TestOpenRemovesLeftovers(t *testing.T) {
	store := &tfmodel.Store{Dir: t.TempDir()}
	stale := filepath.Join(store.Dir, "key", "own", ".partial-1")
	fresh := filepath.Join(store.Dir, "key", "own", ".partial-2")
	must(t, os.MkdirAll(stale, 0o755))
	must(t, os.MkdirAll(fresh, 0o755))
	old := time.Now().Add(-2 * tfmodel.LeftoverAge)
	must(t, os.Chtimes(stale, old, old))
	open(t, store, writeWeights(t, true))
	if _, err := os.Stat(stale); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a half-written folder of long ago is still there (%v), want it removed", err)
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Errorf("a half-written folder of now is gone (%v), want it left to its writer", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	tests := []struct {
		give string
		path func(t *testing.T) string
		want string
	}{
		{"missing", func(t *testing.T) string { return filepath.Join(t.TempDir(), "none") }, "there is no such file or folder"},
		{"no weight file", func(t *testing.T) string {
			dir := t.TempDir()
			write(t, dir, "text", []byte("hello, this is no model"))
			return filepath.Join(dir, "text")
		}, "unpack"},
		{"tiny without card", func(t *testing.T) string { return writeWeights(t, false) }, "a card beside the file, own.json, can give another input size"},
	}
	for _, tt := range tests {
		t.Run(tt.give, func(t *testing.T) {
			store := &tfmodel.Store{Dir: t.TempDir()}
			_, err := store.Open(t.Context(), tt.path(t), tfmodel.Options{})
			if !errors.Is(err, tfmodel.ErrModel) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Open = %v, want ErrModel with %q", err, tt.want)
			}
		})
	}
}

func TestStoreWithoutHome(t *testing.T) {
	tests := []struct {
		give string
		home string
	}{
		{"unset", ""},
		{"no folder", "/dev/null/home"},
	}
	for _, tt := range tests {
		t.Run(tt.give, func(t *testing.T) {
			t.Setenv("HOME", tt.home)
			t.Setenv("XDG_CACHE_HOME", "")
			t.Setenv("TMPDIR", t.TempDir())
			store := &tfmodel.Store{}
			open(t, store, writeWeights(t, true))
			before, err := os.ReadDir(os.TempDir())
			must(t, err)
			must(t, store.Close())
			after, err := os.ReadDir(os.TempDir())
			must(t, err)
			if len(before) != 1 || len(after) != 0 {
				t.Errorf("temporary folder held %v, and %v after Close; want one folder, then none", before, after)
			}
		})
	}
}

// TestBuiltinCardTellsTheTruth: the card names the hash that the store's key is
// made of, and the digest that embeddings are bound to.
func TestBuiltinCardTellsTheTruth(t *testing.T) {
	card, err := tfmodel.ParseCard(builtin.Card)
	must(t, err)
	hash := sha256.Sum256(builtin.Weights)
	if got := hex.EncodeToString(hash[:]); got != card.Weights.SHA256 {
		t.Errorf("SHA-256 of the built-in weights is %s, its card says %s", got, card.Weights.SHA256)
	}
	set, _, err := weights.ReadSafetensors(bytes.NewReader(builtin.Weights), int64(len(builtin.Weights)))
	must(t, err)
	if got := set.Digest(); got != card.Weights.Digest {
		t.Errorf("digest of the built-in weights is %s, its card says %s", got, card.Weights.Digest)
	}
}
