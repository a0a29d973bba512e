package tfmodel_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

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

func open(t *testing.T, scratch tfmodel.Scratch, path string) *tfmodel.Model {
	t.Helper()
	model, err := scratch.Open(t.Context(), path, tfmodel.Options{})
	must(t, err)
	t.Cleanup(func() { _ = model.Close() })
	return model
}

func TestOpenWeightFile(t *testing.T) {
	dir := t.TempDir()
	model := open(t, tfmodel.Scratch{Dir: dir}, writeWeights(t, true))
	card := model.Card()
	if card.Name != "own" || card.Threshold != 0.25 || card.Weights.Digest != randomWeights(t, tiny(), 1).Digest() {
		t.Errorf("card has name %q, threshold %v, digest %s; want those of the file and its card", card.Name, card.Threshold, card.Weights.Digest)
	}
	if len(card.GoldenPairs) != 1 || !(card.GoldenPairs[0].Similarity > 0) {
		t.Errorf("golden pairs are %v, want one that was measured", card.GoldenPairs)
	}
	wantEmpty(t, dir)
}

// wantEmpty wants a folder to hold only what names.
func wantEmpty(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var found []string
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	if !slices.Equal(found, names) {
		t.Errorf("%s holds %q, want %q", dir, found, names)
	}
}

// TestOpenBelievesNothingThatItFinds: where another model lies in the place that an
// earlier version of this program kept its own in, and half-written ones under the
// names of today, the model that was asked for is what answers.
func TestOpenBelievesNothingThatItFinds(t *testing.T) {
	dir := t.TempDir()
	planted := exportTiny(t)
	for _, place := range []string{"7e89b0741bf7334ca8fe9bcf/own/1", tfmodel.ScratchPrefix + "1/1"} {
		must(t, os.CopyFS(filepath.Join(dir, place), os.DirFS(planted)))
	}
	model := open(t, tfmodel.Scratch{Dir: dir}, writeWeights(t, true))
	if got := model.Card().Name; got != "own" {
		t.Errorf("the model is %q, want the one that was asked for", got)
	}
	wantEmpty(t, dir, "7e89b0741bf7334ca8fe9bcf", tfmodel.ScratchPrefix+"1")
}

// TestOpenGoesWhereOthersCanNotWrite: a folder that any user can write to is not
// used, and the log says why.
func TestOpenGoesWhereOthersCanNotWrite(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o777))
	var log bytes.Buffer
	open(t, tfmodel.Scratch{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))}, writeWeights(t, true))
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "others can write there") {
		t.Errorf("the log is %q, want a warning that says why the folder is not used", &log)
	}
}

// TestOpenWhereAllIsShared: with nothing but a volume that any user can write to,
// as containers have it, the model is loaded, with a warning.
func TestOpenWhereAllIsShared(t *testing.T) {
	path, volume := writeWeights(t, true), t.TempDir()
	must(t, os.Chmod(volume, 0o777))
	t.Setenv("TMPDIR", volume)
	t.Setenv("XDG_CACHE_HOME", "/dev/null/none")
	var log bytes.Buffer
	open(t, tfmodel.Scratch{Log: slog.New(slog.NewTextHandler(&log, nil))}, path)
	if !strings.Contains(log.String(), "no folder to unpack models to is this user's alone") {
		t.Errorf("the log is %q, want a warning", &log)
	}
	wantEmpty(t, volume)
}

// TestNamesOfFilesAreNoPaths: names that mean something to a file system are
// refused as names of models, and do nothing.
func TestNamesOfFilesAreNoPaths(t *testing.T) {
	tests := []struct {
		give, want string
	}{
		{"...safetensors", "want no dot, dash or space"},
		{"..safetensors", "want no dot, dash or space"},
		{".safetensors", "model name is empty"},
		{".hidden.safetensors", "want no dot, dash or space"},
		{"-rf.safetensors", "want no dot, dash or space"},
		{" .safetensors", "want no dot, dash or space"},
		{"a\nb.safetensors", "want printable characters"},
		{"a\x1b[2J.safetensors", "want printable characters"},
		{"a\\b.safetensors", "want printable characters"},
		{"a\xffb.safetensors", "want printable characters"},
		{"a\u202eb.safetensors", "want printable characters"},
		{"naïve 模型 (2).safetensors", "another input size"}, // the tiny network is no 105×105
	}
	for _, tt := range tests {
		parent := t.TempDir()
		dir, source := filepath.Join(parent, "cache"), t.TempDir()
		must(t, os.Mkdir(dir, 0o700))
		write(t, parent, "precious", []byte("keep"))
		must(t, os.Rename(writeWeights(t, false), filepath.Join(source, tt.give)))
		for range 2 {
			_, err := tfmodel.Scratch{Dir: dir}.Open(t.Context(), filepath.Join(source, tt.give), tfmodel.Options{})
			if !errors.Is(err, tfmodel.ErrModel) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Open(%q) = %v, want ErrModel with %q", tt.give, err, tt.want)
			}
		}
		wantEmpty(t, parent, "cache", "precious")
		wantEmpty(t, dir)
	}
	for _, name := range []string{"", "..", "a/b", "a\x00", strings.Repeat("n", 256)} {
		card := tfmodel.Card{Name: name, Architecture: tiny(), Parameters: tiny().Parameters()}
		if err := card.Validate(); err == nil || !strings.Contains(err.Error(), "model name") {
			t.Errorf("card of name %.20q: Validate = %v, want the name refused", name, err)
		}
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
		}, "starts with 68 65 6c 6c 6f"},
		{"pipe", func(t *testing.T) string {
			pipe := filepath.Join(t.TempDir(), "pipe.safetensors")
			must(t, syscall.Mkfifo(pipe, 0o600))
			return pipe
		}, "received a named pipe"},
		{"device", func(t *testing.T) string { return "/dev/zero" }, "received a device"},
		{"pipe as a card", func(t *testing.T) string {
			path := writeWeights(t, false)
			must(t, syscall.Mkfifo(tfmodel.CardPath(path), 0o600))
			return path
		}, "received a named pipe"},
		{"tiny without card", func(t *testing.T) string { return writeWeights(t, false) }, "a card beside the file, own.json, can give another input size"},
	}
	for _, tt := range tests {
		t.Run(tt.give, func(t *testing.T) {
			scratch := tfmodel.Scratch{Dir: t.TempDir()}
			_, err := scratch.Open(t.Context(), tt.path(t), tfmodel.Options{})
			if !errors.Is(err, tfmodel.ErrModel) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Open = %v, want ErrModel with %q", err, tt.want)
			}
		})
	}
}

// TestOpenWithoutATemporaryFolder: the user's cache folder serves instead.
func TestOpenWithoutATemporaryFolder(t *testing.T) {
	home := t.TempDir()
	t.Setenv("TMPDIR", "/dev/null/none")
	t.Setenv("XDG_CACHE_HOME", home)
	path := filepath.Join(home, "own.safetensors")
	var file bytes.Buffer
	must(t, weights.WriteSafetensors(&file, randomWeights(t, tiny(), 1), weights.Float32, nil))
	write(t, home, "own.safetensors", file.Bytes())
	data, err := json.Marshal(tfmodel.Card{Name: "own", Architecture: tiny(), Parameters: tiny().Parameters()})
	must(t, err)
	write(t, home, "own.json", data)
	open(t, tfmodel.Scratch{}, path)
	wantEmpty(t, filepath.Join(home, "siamese"))
	t.Setenv("XDG_CACHE_HOME", "/dev/null/none")
	if _, err := (tfmodel.Scratch{}).Open(t.Context(), path, tfmodel.Options{}); !errors.Is(err, tfmodel.ErrModel) || !strings.Contains(err.Error(), "unpack: ") {
		t.Errorf("Open with no folder to write to = %v, want ErrModel", err)
	}
}

// TestBuiltinCardsTellTheTruth: each card names the hash of the weights, the digest
// that embeddings are bound to, and what the model is for.
func TestBuiltinCardsTellTheTruth(t *testing.T) {
	for _, model := range builtin.All() {
		card, err := tfmodel.ParseCard(model.Card)
		must(t, err)
		hash := sha256.Sum256(model.Weights)
		if got := hex.EncodeToString(hash[:]); got != card.Weights.SHA256 {
			t.Errorf("SHA-256 of the weights of %s is %s, its card says %s", model.Name, got, card.Weights.SHA256)
		}
		set, _, err := weights.ReadSafetensors(bytes.NewReader(model.Weights), int64(len(model.Weights)))
		must(t, err)
		if got := card.Architecture.Digest(set); got != card.Weights.Digest {
			t.Errorf("digest of the weights of %s is %s, its card says %s", model.Name, got, card.Weights.Digest)
		}
		if card.Title == "" || card.Knows == "" || card.Familiarity == nil {
			t.Errorf("the card of %s has title %q, knows %q and familiarity %v, want all three", model.Name, card.Title, card.Knows, card.Familiarity != nil)
		}
	}
}
