package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"siamese/internal/proctest"
)

// succeed runs the program and returns what it printed.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := proctest.Run(t, "", args...)
	if code != 0 {
		t.Fatalf("%s: exit code %d\n%s%s", strings.Join(args[:2], " "), code, stdout, stderr)
	}
	return stdout
}

// TestKindsOfThings is the way of a general model: a pooled network learns kinds of
// things with edited copies and hard negatives, its embeddings are whitened, and it is
// measured by level on what was kept apart, and exported.
func TestKindsOfThings(t *testing.T) {
	dir := t.TempDir()
	run, white := filepath.Join(dir, "run"), filepath.Join(dir, "white.safetensors")
	held, forbidden := filepath.Join(dir, "held.txt"), filepath.Join(dir, "forbidden.txt")
	kinds, err := os.ReadDir(proctest.Glyph(""))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, kind := range kinds {
		if kind.IsDir() {
			names = append(names, kind.Name())
		}
	}
	if len(names) < 4 {
		t.Fatalf("%d kinds in the test data, want at least 4", len(names))
	}
	write(t, held, "# kept apart\n"+names[0]+"\n"+names[1]+"\n")
	write(t, forbidden, names[2]+"/* # who knows\n")
	data := []string{"--layout", "things", "--split", "class", "--hold-out-in", held}
	train := append([]string{
		"train", "--data", proctest.Glyph(""), "--run", run, "--sampler", "levels", "--kind-things", "2", "--forbidden", forbidden,
		"--kind-target", "0.1", "--kind-weight", "0.1", "--hard", "1", "--hard-things", "8", "--augment", "edits", "--kept-size", "48", "--input-size", "32",
		"--pooling", "gem", "--gem-power", "2", "--contrastive-weight", "1", "--average-decay", "0.5", "--batch", "8", "--per-class", "2",
		"--epochs", "2", "--steps-per-epoch", "2", "--log-steps", "1", "--val-pairs", "10", "--oneshot-trials", "4",
	}, data...)
	succeed(t, train...)
	if losses := readMetrics(t, run); len(losses) != 4 {
		t.Errorf("%d steps recorded, want 4", len(losses))
	}
	weights := filepath.Join(run, "last_epoch_weights.h5")
	succeed(t, append([]string{"head", white, "--data", proctest.Glyph(""), "--from", weights, "--whiten", "--copies", "2", "--things", "8", "--steps", "5", "--pairs", "16"}, data...)...)
	if info := succeed(t, "model", "info", white); !strings.Contains(info, "generalized mean → projection → length 1 → embedding 512") {
		t.Errorf("model info tells of no pooling:\n%s", info)
	}
	other := filepath.Join(dir, "other.safetensors")
	succeed(t, append([]string{"head", other, "--data", proctest.Glyph(""), "--from", white, "--pooling", "average", "--input-size", "40", "--copies", "2", "--things", "4", "--steps", "1", "--pairs", "8"}, data...)...)
	info := succeed(t, "model", "info", other)
	for _, want := range []string{"other\n", "40×40", "Not calibrated"} {
		if !strings.Contains(info, want) {
			t.Errorf("model info of the same network of another form tells no %q:\n%s", want, info)
		}
	}
	calibrates(t, white, data)
	evaluates(t, white, data)
	exported := filepath.Join(dir, "model", "1")
	succeed(t, "export", "--model", white, exported)
	if a, b := compared(t, white), compared(t, exported); a != b {
		t.Errorf("the weight file gives %v, the SavedModel made of it %v", a, b)
	}
}

// calibrates makes similarities probabilities, and reads what is told of each kind of
// pairs.
func calibrates(t *testing.T, model string, data []string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "calibrated.safetensors")
	file, plot := out+".measured.json", out+".png"
	args := append([]string{"calibrate", out, "--data", proctest.Glyph(""), "--from", model, "--pairs", "40", "--plot", plot, "--json", file, "--weights", "copies=0;neighbours=0.5"}, data...)
	printed := succeed(t, args...)
	var measured struct {
		Scale, Shift  float64
		Halves        []any
		Weights       map[string]float64
		Before, After []struct {
			Same, Different string
			Pairs           int
			ECE             float64
		}
	}
	if err := json.Unmarshal(proctest.ReadFile(t, file), &measured); err != nil {
		t.Fatal(err)
	}
	if first, _, _ := strings.Cut(printed, "\n"); first != fmt.Sprintf("logit × %.4f %+.4f", measured.Scale, measured.Shift) {
		t.Errorf("calibrate printed %q first, want scale and shift of %+v", first, measured)
	}
	if measured.Weights["copies"] != 0 || measured.Weights["neighbours"] != 0.5 || measured.Weights["things"] == 0 {
		t.Errorf("weights are %v, want those given over the layout's", measured.Weights)
	}
	seen := map[string]int{}
	for i, after := range measured.After {
		seen[after.Same+" "+after.Different] = after.Pairs
		if before := measured.Before[i]; before.Same != after.Same || before.Pairs != after.Pairs {
			t.Errorf("before and after don't go in step: %+v, %+v", before, after)
		}
	}
	if seen["things neighbours"] != 80 {
		t.Errorf("pairs by kind are %v, want 40 of things and 40 of neighbours", seen)
	}
	if picture := proctest.ReadFile(t, plot); len(picture) < 1000 {
		t.Errorf("the reliability plot has %d bytes", len(picture))
	}
	if _, stderr, code := proctest.Run(t, "", append(args, "--weights", "friends=1")...); code != 2 || !strings.Contains(stderr, "friends=1") {
		t.Errorf("weights of an unknown kind: exit code %d, want 2 and its name\n%s", code, stderr)
	}
}

// evaluates measures a model with each command on what was kept apart.
func evaluates(t *testing.T, model string, data []string) {
	t.Helper()
	dir := t.TempDir()
	found := filepath.Join(dir, "found.png")
	roc, bars, sheet := filepath.Join(dir, "roc.png"), filepath.Join(dir, "bars.png"), filepath.Join(dir, "sheet.png")
	tests := []struct {
		give []string
		want []string // members of the JSON object
	}{
		{[]string{"verify", "--negatives", "other-alphabet", "--pairs", "20", "--baseline", model, "--sheet", sheet}, []string{"auc", "false_accepts", "stderr", "beside"}},
		{[]string{"kinds", "--pairs", "20"}, []string{"contrasts"}},
		{[]string{"verify", "--level", "kind", "--pairs", "20"}, []string{"auc"}},
		{[]string{"oneshot", "--ways", "2", "--trials", "6", "--baseline", model, "--plot", bars}, []string{"mean", "stderr", "stderr_cosine", "beside"}},
		{[]string{"retrieval", "--queries", "6", "--roc", roc, "--sheet", found, "--baseline", model}, []string{"methods", "queries"}},
		{[]string{"copies", "--originals", "4", "--kept-size", "40"}, []string{"methods", "originals"}},
	}
	for _, tt := range tests {
		args := append([]string{"eval", tt.give[0], proctest.Glyph(""), "--json", "--model", model}, tt.give[1:]...)
		var result map[string]any
		if err := json.Unmarshal([]byte(succeed(t, append(args, data...)...)), &result); err != nil {
			t.Fatalf("eval %s: %v", tt.give[0], err)
		}
		for _, member := range tt.want {
			if _, ok := result[member]; !ok {
				t.Errorf("eval %s: no %q in %v", tt.give[0], member, result)
			}
		}
	}
	for _, file := range []string{roc, bars, sheet, found} {
		if picture := proctest.ReadFile(t, file); len(picture) < 1000 {
			t.Errorf("%s has %d bytes, want a picture", filepath.Base(file), len(picture))
		}
	}
	table := succeed(t, append([]string{"eval", "copies", proctest.Glyph(""), "--model", model, "--originals", "3"}, data...)...)
	for _, want := range []string{"JPEG of quality 3 ", "cropped by 80 %", "screenshot", "perceptual hash: AUC", "of the copies recognised"} {
		if !strings.Contains(table, want) {
			t.Errorf("eval copies printed no %q:\n%s", want, table)
		}
	}
}

// TestTrainRefusesWhatChangesNothing: flags of the levels without that sampler, names
// that are not there, and a pooling that makes no sense.
func TestTrainRefusesWhatChangesNothing(t *testing.T) {
	dir := t.TempDir()
	misspelt := filepath.Join(dir, "misspelt.txt")
	write(t, misspelt, "Grek\n")
	tests := []struct {
		give []string
		want string
	}{
		{[]string{"--kind-target", "0.1"}, "--kind-target is for --sampler levels"},
		{[]string{"--forbidden", misspelt}, "--forbidden is for --sampler levels"},
		{[]string{"--sampler", "levels", "--forbidden", misspelt}, `forbidden negatives name "Grek"`},
		{[]string{"--split", "class", "--hold-out", "0", "--hold-out-in", misspelt}, `received "Grek"`},
		{[]string{"--sampler", "levels", "--alphabets", "2"}, "changes nothing with --sampler levels"},
		{[]string{"--sampler", "levels", "--domain", "pictures=1"}, `domain "pictures"`},
		{[]string{"--domain-augment", "pictures=affine"}, `domain "pictures"`},
		{[]string{"--projection", "8"}, "changes nothing with --pooling flatten"},
	}
	for _, tt := range tests {
		_, stderr, code := proctest.Run(t, "", quick(filepath.Join(dir, "run"), append(tt.give, "--epochs", "1")...)...)
		if code == 0 || !strings.Contains(stderr, tt.want) {
			t.Errorf("train %s: exit code %d, want an error with %q\n%s", strings.Join(tt.give, " "), code, tt.want, stderr)
		}
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestArrangePhotos: each prefix says what is a kind and what a thing, and the files of
// names for the general model fit the folders that come of it.
func TestArrangePhotos(t *testing.T) {
	dir := t.TempDir()
	photos, omniglot, out := filepath.Join(dir, "photos"), filepath.Join(dir, "omniglot"), filepath.Join(dir, "out")
	for _, name := range []string{
		"photos/train/c101_ant/a.jpg", "photos/train/c101_ant/b.jpg", "photos/train/groc_pack_alpro_shelf_soy_milk/c.jpg",
		"photos/train/f360_apple_red_2/d.jpg", "photos/train/scene_shake/e.jpg", "photos/train/scene_fiducial_qrcode/f.jpg",
		"photos/train_singles/pixabay/airplane02.jpg", "omniglot/Greek/character01/1_1.png",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, file, name)
	}
	script := exec.Command("../../scripts/arrange-photos.sh", photos, omniglot, out)
	if output, err := script.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for place, want := range map[string]string{
		"pictures/c101_ant/a/a.jpg":                                     "photos/train/c101_ant/a.jpg",
		"pictures/c101_ant/b/b.jpg":                                     "photos/train/c101_ant/b.jpg",
		"pictures/groc_pack_alpro/groc_pack_alpro_shelf_soy_milk/c.jpg": "photos/train/groc_pack_alpro_shelf_soy_milk/c.jpg",
		"pictures/f360_apple/f360_apple_red_2/d.jpg":                    "photos/train/f360_apple_red_2/d.jpg",
		"pictures/scene_shake/scene_shake/e.jpg":                        "photos/train/scene_shake/e.jpg",
		"pictures/scene_fiducial/scene_fiducial_qrcode/f.jpg":           "photos/train/scene_fiducial_qrcode/f.jpg",
		"pictures/single_airplane/airplane02/airplane02.jpg":            "photos/train_singles/pixabay/airplane02.jpg",
		"characters/Greek/character01/1_1.png":                          "omniglot/Greek/character01/1_1.png",
	} {
		if got, err := os.ReadFile(filepath.Join(out, place)); err != nil || string(got) != want {
			t.Errorf("%s holds %q (%v), want %s", place, got, err, want)
		}
	}
	if output, err := exec.Command("../../scripts/arrange-photos.sh", photos, omniglot, out).CombinedOutput(); err == nil {
		t.Errorf("a second time it succeeded, want it to leave what is there\n%s", output)
	}
	lists, err := filepath.Glob("../../scripts/general/*.txt")
	if err != nil || len(lists) != 2 {
		t.Fatalf("lists %q, %v", lists, err)
	}
	for _, list := range lists {
		for line := range strings.Lines(string(proctest.ReadFile(t, list))) {
			line, _, _ = strings.Cut(line, "#")
			for _, name := range strings.Fields(line) {
				if domain, rest, _ := strings.Cut(name, "/"); domain != "pictures" && domain != "characters" || rest == "" {
					t.Errorf("%s names %q, want pictures/… or characters/…", list, name)
				}
			}
		}
	}
}
