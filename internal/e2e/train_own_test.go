package e2e_test

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"siamese/internal/proctest"
)

// ownPictures writes classes of plain pictures and gives their folder.
func ownPictures(t *testing.T, classes, pictures int) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "pictures")
	for class := range classes {
		for i := range pictures {
			picture := image.NewRGBA(image.Rect(0, 0, 40, 36))
			for at := range 40 * 36 {
				picture.Set(at%40, at/40, color.RGBA{uint8(60 * class), uint8(at%(5+i)) * 20, uint8(200 - 40*class), 255})
			}
			writePNG(t, filepath.Join(root, fmt.Sprintf("class%d", class), fmt.Sprintf("IMG_%d.png", i)), picture)
		}
	}
	return root
}

func writePNG(t *testing.T, path string, picture image.Image) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(file, picture); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// once is a run of one step with everything else as it is by default, on a small input.
func once(data, run string, more ...string) []string {
	return append([]string{"train", "--data", data, "--run", run, "--input-size", "32", "--epochs", "1", "--steps-per-epoch", "1"}, more...)
}

// TestTrainOfArchives: folders are found in archives whatever system made them, and names
// of any encoding are told as text.
func TestTrainOfArchives(t *testing.T) {
	const archives = "../../train/archive/testdata"
	for name, want := range map[string]string{"backslashes.zip": "classes=4 images=24", "gbk.zip": "classes=3 images=15"} {
		run := filepath.Join(t.TempDir(), "run")
		_, stderr, code := proctest.Run(t, "", once(filepath.Join(archives, name), run)...)
		if code != 0 || !strings.Contains(stderr, want) || !utf8.ValidString(stderr) {
			t.Errorf("train on %s: exit code %d, want 0 and %s\n%q", name, code, want, stderr)
		}
	}
	_, stderr, code := proctest.Run(t, "", once(filepath.Join(archives, "gbk.zip"), filepath.Join(t.TempDir(), "run"),
		"--split", "class", "--hold-out-of", "猫咪,dog")...)
	if code != 1 || !strings.Contains(stderr, `received "dog", expected one of 3 classes such as "CCCC"`) {
		t.Errorf("train without dogs: exit code %d, want 1 and the name that is unknown\n%s", code, stderr)
	}
}

// TestTrainOnAPhonesFolder: what is called a picture and is none is counted by extension,
// and a class that is lost is named.
func TestTrainOnAPhonesFolder(t *testing.T) {
	data := ownPictures(t, 3, 3)
	for name, content := range map[string]string{
		"class0/page.png": "<!DOCTYPE html><html>not found</html>", "class1/empty.jpg": "", "lost/IMG_1.JXL": "\xff\x0a\xfa\x1f", "lost/IMG_2.JXL": "\xff\x0a\xfa\x1f",
		"texts/readme.txt": "none yet",
	} {
		path := filepath.Join(data, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const summary = "2 .jxl, 1 .jpg (empty), 1 .png (HTML)"
	_, stderr, code := proctest.Run(t, "", once(data, filepath.Join(t.TempDir(), "run"))...)
	for _, want := range []string{"4 unreadable: " + summary, "--unreadable skip"} {
		if code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("train: exit code %d, want 1 and %q\n%s", code, want, stderr)
		}
	}
	run := filepath.Join(t.TempDir(), "run")
	_, stderr, code = proctest.Run(t, "", once(data, run, "--unreadable", "skip")...)
	for _, want := range []string{summary, `folder="lost: 2 .jxl"`, `folder="texts: 1 .txt"`, "classes=3 images=9"} {
		if code != 0 || !strings.Contains(stderr, want) {
			t.Errorf("train --unreadable skip: exit code %d, want 0 and %q\n%s", code, want, stderr)
		}
	}
	// What was trained on so can be measured on so.
	args := []string{"eval", "verify", data, "--model", filepath.Join(run, "best_epoch_weights.h5"), "--split", "image", "--json"}
	if _, stderr, code := proctest.Run(t, "", args...); code != 1 || !strings.Contains(stderr, "--unreadable skip") {
		t.Errorf("eval verify: exit code %d, want 1 and the flag that helps\n%s", code, stderr)
	}
	stdout, stderr, code := proctest.Run(t, "", append(args, "--unreadable", "skip")...)
	var result struct{ Pairs, Same int }
	if err := json.Unmarshal([]byte(stdout), &result); err != nil || code != 0 || result.Pairs != 2*result.Same || result.Pairs > 12 {
		t.Errorf("eval verify of a handful of pictures: exit code %d, %d pairs, %d same (%v), want no more than exist\n%s", code, result.Pairs, result.Same, err, stderr)
	}
}

// TestTrainOnFewPictures: with default flags, for seeds in turn; what can't be done is
// refused with the flag that helps.
func TestTrainOnFewPictures(t *testing.T) {
	tests := []struct {
		classes, pictures int
		split, seed       string
		wantErr           string
	}{
		{4, 6, "image", "1", ""}, {4, 6, "class", "2", ""}, {2, 10, "image", "3", ""}, {3, 3, "image", "4", ""}, {2, 3, "image", "5", ""},
		{2, 10, "class", "1", "--split image holds out pictures"},
		{2, 2, "image", "1", "--split none learns from all of it"},
		{4, 6, "alphabet", "1", "--split class holds out classes"},
	}
	for _, tt := range tests {
		run := filepath.Join(t.TempDir(), "run")
		_, stderr, code := proctest.Run(t, "", once(ownPictures(t, tt.classes, tt.pictures), run, "--split", tt.split, "--seed", tt.seed)...)
		if tt.wantErr != "" {
			if code != 1 || !strings.Contains(stderr, tt.wantErr) {
				t.Errorf("%d classes of %d by %s: exit code %d, want 1 and %q\n%s", tt.classes, tt.pictures, tt.split, code, tt.wantErr, stderr)
			}
			continue
		}
		if code != 0 || !strings.Contains(stderr, " ± ") || !strings.Contains(stderr, " pairs\"") || strings.Contains(stderr, "400 pairs") {
			t.Errorf("%d classes of %d by %s, seed %s: exit code %d, want 0 and figures of the pairs that exist\n%s", tt.classes, tt.pictures, tt.split, tt.seed, code, stderr)
		}
		if tt.split == "class" && !strings.Contains(stderr, "2-way") {
			t.Errorf("one-shot figures do not say how many classes there were to choose from:\n%s", stderr)
		}
	}
}

// TestResumeElsewhere: a run goes on with data that were moved or packed, and for more
// epochs; not with other data, nor without its checkpoint.
func TestResumeElsewhere(t *testing.T) {
	data, run := ownPictures(t, 3, 4), filepath.Join(t.TempDir(), "run")
	if _, stderr, code := proctest.Run(t, "", once(data, run, "--start", "builtin", "--name", "mine")...); code != 0 ||
		!strings.Contains(stderr, "from=builtin taken=26") || !strings.Contains(stderr, "its own network is --pooling average --input-size 128 --projection 512 --unit") {
		t.Fatalf("train --start builtin: exit code %d, want 0, what was taken, and the flags for all of it\n%s", code, stderr)
	}
	packed := pack(t, data)
	refused := func(want string, code int, args ...string) {
		t.Helper()
		before := proctest.ReadFile(t, filepath.Join(run, "metrics.jsonl"))
		_, stderr, got := proctest.Run(t, "", append([]string{"train", "--resume", run}, args...)...)
		if got != code || !strings.Contains(stderr, want) {
			t.Errorf("--resume %v: exit code %d, want %d and %q\n%s", args, got, code, want, stderr)
		}
		if string(proctest.ReadFile(t, filepath.Join(run, "metrics.jsonl"))) != string(before) {
			t.Errorf("--resume %v, which was refused, changed metrics.jsonl", args)
		}
	}
	refused("--epochs NUMBER gives it more", 1)
	refused("--elastic can't change", 2, "--time-limit", "1m", "--epochs", "2", "--elastic", "3")
	if err := os.Rename(data, data+"-moved"); err != nil {
		t.Fatal(err)
	}
	refused("--data PATH says where the data lie now", 1, "--epochs", "2")
	if _, stderr, code := proctest.Run(t, "", "train", "--resume", run, "--epochs", "2", "--data", packed); code != 0 || !strings.Contains(stderr, "epochs=2") {
		t.Fatalf("--resume with the data packed and an epoch more: exit code %d\n%s", code, stderr)
	}
	var config struct {
		Data   string
		Epochs int
	}
	if err := json.Unmarshal(proctest.ReadFile(t, filepath.Join(run, "config.json")), &config); err != nil || config.Data != packed || config.Epochs != 2 {
		t.Errorf("config.json has %+v (%v), want the data's new place and 2 epochs", config, err)
	}
	writePNG(t, filepath.Join(data+"-moved", "class0", "new.png"), image.NewGray(image.Rect(0, 0, 9, 9)))
	refused("holds other pictures than the run was begun with", 1, "--epochs", "3", "--data", data+"-moved")

	checkpoint := filepath.Join(run, "checkpoint.safetensors")
	state := proctest.ReadFile(t, checkpoint)
	state[len(state)/2] ^= 1
	if err := os.WriteFile(checkpoint, state, 0o644); err != nil {
		t.Fatal(err)
	}
	refused("it is damaged", 1, "--epochs", "3")
	if err := os.Remove(checkpoint); err != nil {
		t.Fatal(err)
	}
	refused("there is no checkpoint to go on from", 1, "--epochs", "3")
	if err := os.Remove(filepath.Join(run, "config.json")); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := proctest.Run(t, "", once(packed, run)...); code != 1 || !strings.Contains(stderr, "holds a run already (metrics.jsonl)") {
		t.Errorf("train where a run was: exit code %d, want 1 and a refusal\n%s", code, stderr)
	}
	if info := proctest.Succeed(t, "model", "info", filepath.Join(run, "best_epoch_weights.h5")); !strings.Contains(info, "mine") {
		t.Errorf("model info does not tell the model's name:\n%s", info)
	}
}

// pack writes a folder into a zip file beside it and gives its path.
func pack(t *testing.T, folder string) string {
	t.Helper()
	path := folder + ".zip"
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	writer := zip.NewWriter(file)
	if err := writer.AddFS(os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestStartOfNoFile: nothing is fetched, and what is to be had is said, before the data
// are opened.
func TestStartOfNoFile(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	_, stderr, code := proctest.Run(t, "", once("missing", run, "--start", "vgg16")...)
	if code != 1 || !strings.Contains(stderr, "nothing is fetched: --start builtin takes the convolutions") {
		t.Errorf("train --start vgg16: exit code %d, want 1 and what is to be had\n%s", code, stderr)
	}
	if _, err := os.Stat(run); !os.IsNotExist(err) {
		t.Errorf("the run folder: %v, want none", err)
	}
}
