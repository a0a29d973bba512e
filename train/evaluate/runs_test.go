package evaluate_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/imaging"
	"siamese/train/evaluate"
)

func TestReadRunsReadsWhatWriteRunsWrote(t *testing.T) {
	want := []evaluate.Run{run("run01", 20), run("run02", 3)}
	dir := filepath.Join(t.TempDir(), "runs")
	if err := evaluate.WriteRuns(dir, want); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Dir(dir), archive(t, dir)} {
		got, err := evaluate.ReadRuns(path, preparer(t))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("runs of %q (-want +got):\n%s", filepath.Base(path), diff)
		}
	}
}

func TestWriteRunsWritesLakesLayout(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs")
	if err := evaluate.WriteRuns(dir, []evaluate.Run{run("run01", 2)}); err != nil {
		t.Fatal(err)
	}
	labels, err := os.ReadFile(filepath.Join(dir, "run01", "class_labels.txt"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "run01/test/item01.png run01/training/class02.png\nrun01/test/item02.png run01/training/class01.png\n"
	if string(labels) != want {
		t.Errorf("class_labels.txt = %q, want %q", labels, want)
	}
	files, err := filepath.Glob(filepath.Join(dir, "run01", "t*", "*.png"))
	if err != nil || len(files) != 4 {
		t.Errorf("pictures = %v, %v, want 4", files, err)
	}
}

func TestWriteRunsLeavesOtherFilesAlone(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "notes.txt"), []byte("x"))
	wantError(t, evaluate.WriteRuns(dir, []evaluate.Run{run("run01", 2)}), "expected a folder that is empty or not there")
	left, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(left) != 1 {
		t.Errorf("beside the folder lie %v, %v, want nothing", left, err)
	}
}

func TestWriteRunsRefusesNames(t *testing.T) {
	tests := []struct {
		name string
		give []string
		want string
	}{
		{"empty", []string{""}, `a run is named ""`},
		{"a way out", []string{".."}, `a run is named ".."`},
		{"a path", []string{"a/b"}, `a run is named "a/b"`},
		{"two words", []string{"a b"}, `a run is named "a b"`},
		{"twice", []string{"a", "a"}, `two runs are named "a"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var runs []evaluate.Run
			for _, name := range tt.give {
				runs = append(runs, run(name, 2))
			}
			dir := filepath.Join(t.TempDir(), "runs")
			wantError(t, evaluate.WriteRuns(dir, runs), tt.want)
			if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Stat = %v, want no folder", err)
			}
		})
	}
}

func TestReadRunsTakesAllPicturesBesideAClassAsChoices(t *testing.T) {
	dir := t.TempDir()
	putPicture(t, filepath.Join(dir, "run01/test/item01.png"), picture(1, 2, 2))
	for class := range 3 {
		putPicture(t, filepath.Join(dir, "run01/training", string(rune('a'+class))+".png"), picture(1, class, 1))
	}
	put(t, filepath.Join(dir, "run01/training/.DS_Store"), []byte("x"))
	put(t, filepath.Join(dir, "__MACOSX/run01/class_labels.txt"), []byte("x"))
	put(t, filepath.Join(dir, "run01/class_labels.txt"), []byte("\r\nrun01/test/item01.png\trun01/training/c.png\r\n"))
	got, err := evaluate.ReadRuns(dir, preparer(t))
	if err != nil {
		t.Fatal(err)
	}
	want := []evaluate.Run{{
		Name:     "run01",
		Training: []*imaging.Picture{picture(1, 0, 1), picture(1, 1, 1), picture(1, 2, 1)},
		Test:     []*imaging.Picture{picture(1, 2, 2)},
		Answer:   []int{2},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestReadRunsRefuses(t *testing.T) {
	tests := []struct {
		name       string
		giveLabels string
		want       string
	}{
		{"one word", "run01/test/item01.png\n", "line 1 of class_labels.txt has 1 words, expected a test picture and its class"},
		{"no class", "\nrun01/test/item01.png run01/training/class09.png\n", `line 2 of class_labels.txt: class "run01/training/class09.png" is not there`},
		{"no test picture", "run01/test/item09.png run01/training/class01.png\n", "item09.png"},
		{"a damaged picture", "run01/test/damaged.png run01/training/class01.png\n", `picture "run01/test/damaged.png"`},
		{"a class outside", "run01/test/item01.png ../../class01.png\n", "lies outside"},
		{"a test picture outside", "../../item01.png run01/training/class01.png\n", "invalid argument"},
		{"no lines", "", "0 training pictures"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := evaluate.WriteRuns(filepath.Join(dir, "runs"), []evaluate.Run{run("run01", 2)}); err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(dir, "runs/run01/test/damaged.png"), []byte("\x89PNG\r\n\x1a\nx"))
			put(t, filepath.Join(dir, "runs/run01/class_labels.txt"), []byte(tt.giveLabels))
			_, err := evaluate.ReadRuns(filepath.Join(dir, "runs"), preparer(t))
			wantError(t, err, tt.want)
		})
	}
}

func TestReadRunsRefusesPlacesWithoutRuns(t *testing.T) {
	dir := t.TempDir()
	if _, err := evaluate.ReadRuns(dir, preparer(t)); !errors.Is(err, evaluate.ErrNoRuns) {
		t.Errorf("error of an empty folder = %v, want ErrNoRuns", err)
	}
	if _, err := evaluate.ReadRuns(filepath.Join(dir, "missing"), preparer(t)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error of a missing folder = %v, want fs.ErrNotExist", err)
	}
	put(t, filepath.Join(dir, "runs.txt"), []byte("x"))
	_, err := evaluate.ReadRuns(filepath.Join(dir, "runs.txt"), preparer(t))
	wantError(t, err, "expected a folder or a zip file")
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = evaluate.ReadRuns(pipe, preparer(t))
	wantError(t, err, "received a named pipe")
	// One that a run's labels name.
	if err := evaluate.WriteRuns(filepath.Join(dir, "runs"), []evaluate.Run{run("run01", 2)}); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(pipe, filepath.Join(dir, "runs/run01/test/pipe.png")); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "runs/run01/class_labels.txt"), []byte("run01/test/pipe.png run01/training/class01.png\n"))
	_, err = evaluate.ReadRuns(filepath.Join(dir, "runs"), preparer(t))
	wantError(t, err, "received a named pipe")
}

// archive packs the folder into a zip file.
func archive(t *testing.T, dir string) string {
	t.Helper()
	var packed bytes.Buffer
	writer := zip.NewWriter(&packed)
	if err := errors.Join(writer.AddFS(os.DirFS(dir)), writer.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "all_runs.zip")
	put(t, path, packed.Bytes())
	return path
}
