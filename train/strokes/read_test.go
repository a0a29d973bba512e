package strokes_test

import (
	"archive/zip"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/train/strokes"
)

func TestRead(t *testing.T) {
	got, err := strokes.Read(strings.NewReader("START\r\n1.5,-2,0\r\n\r\n3,-4.25,17\r\nBREAK\r\n5,6,20\r\nBREAK\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := strokes.Drawing{Strokes: []strokes.Stroke{{{X: 1.5, Y: 2}, {X: 3, Y: 4.25, T: 17}}, {{X: 5, Y: -6, T: 20}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Read (-want +got):\n%s", diff)
	}
}

func TestReadTakesAStrokeThatIsNotEnded(t *testing.T) {
	got, err := strokes.Read(strings.NewReader("START\n1,-2,0\n"))
	if err != nil || len(got.Strokes) != 1 {
		t.Errorf("Read = %v, %v, want one stroke", got, err)
	}
}

func TestReadRefusesDamage(t *testing.T) {
	tests := []struct {
		name, give string
		wantLine   int
	}{
		{"no START", "1,2,3\nBREAK\n", 1},
		{"two numbers", "START\n1,2\nBREAK\n", 2},
		{"a word", "START\n1,2,3\n1,x,3\nBREAK\n", 3},
		{"no number", "START\nNaN,2,3\n", 2},
		{"infinite", "START\n1,-Inf,3\n", 2},
		{"far away", "START\n1,1e9,3\n", 2},
		{"a year", "START\n1,2,3e10\n", 2},
		{"BREAK twice", "START\n1,2,3\nBREAK\nBREAK\n", 4},
		{"START twice", "START\n1,2,3\nSTART\n", 3},
		{"a long line", "START\n" + strings.Repeat("1", 1000) + "\n", 2},
		{"an image", "\x89PNG\r\n\x1a\n", 1},
		{"a long way", "START\n" + strings.Repeat("-1000,0,0\n1000,0,0\n", 6), 13},
		{"many points", "START\n" + strings.Repeat("1,2,3\n", 20001), 20002},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := strokes.Read(strings.NewReader(tt.give))
			at, ok := errors.AsType[*strokes.LineError](err)
			if !ok || at.Line != tt.wantLine {
				t.Errorf("Read = %v, want an error in line %d", err, tt.wantLine)
			}
		})
	}
	large := "START\n1,2,3\nBREAK\n" + strings.Repeat("\n", 1<<20)
	if got, err := strokes.Read(strings.NewReader(large + "4,5,6\n")); err == nil || !strings.Contains(err.Error(), "expected at most") {
		t.Errorf("Read of a file of more than 1 MiB = %v, %v, want an error: what follows was not read", got, err)
	}
	for _, give := range []string{"", "START\n", "\n\n"} {
		if _, err := strokes.Read(strings.NewReader(give)); !errors.Is(err, strokes.ErrNoStrokes) {
			t.Errorf("Read(%q) = %v, want ErrNoStrokes", give, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("START\n1,2,3\nBREAK\n")
	f.Fuzz(func(t *testing.T, text string) {
		drawing, err := strokes.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, level := range (strokes.Pen{Width: 3, Speed: 0.3}).Draw(strokes.Parts(drawing), 20, 20)[:1] {
			_ = level
		}
	})
}

// packed writes a zip file of files.
func packed(t *testing.T, files map[string]string) string {
	t.Helper()
	place := filepath.Join(t.TempDir(), "strokes.zip")
	file, err := os.Create(place)
	if err != nil {
		t.Fatal(err)
	}
	writer := zip.NewWriter(file)
	for name, content := range files {
		entry, err := writer.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		entry.Write([]byte(content))
	}
	if err := errors.Join(writer.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
	return place
}

const line = "START\n1,-2,0\n30,-40,9\nBREAK\n"

func TestOpenFindsDrawingsByTheNamesOfPictures(t *testing.T) {
	zipped := packed(t, map[string]string{
		"small1/Greek/character01/0394_01.txt":            line,
		"small1/Greek/character99/0999_01.txt":            line,
		"__MACOSX/small1/Greek/character01/._0394_01.txt": "resource fork",
		"small1/.DS_Store":                                "x",
		"small1/notes.md":                                 "x",
	})
	if _, err := strokes.Open(context.Background(), zipped, recorded); err == nil || !strings.Contains(err.Error(), "0394_01.txt") {
		t.Errorf("Open of two drawings of one name = %v, want an error that names them", err)
	}
	library, err := strokes.Open(context.Background(), recorded, recorded)
	if err != nil {
		t.Fatal(err)
	}
	if library.Len() != len(both) || library.Repeated != len(both) {
		t.Errorf("Open of a folder twice has %d drawings, %d repeated, want %d of both", library.Len(), library.Repeated, len(both))
	}
	got, ok := library.Find("images_background/Greek/character01/0394_01.png")
	if diff := cmp.Diff(path(t, "Greek/character01/0394_01"), got); !ok || diff != "" {
		t.Errorf("Find = %v (-want +got):\n%s", ok, diff)
	}
	if _, ok := library.Find("Greek/character01/0394_03.png"); ok {
		t.Error("Find found a drawing that is not there")
	}
	library, err = strokes.Open(context.Background(), zipped)
	if err != nil || library.Len() != 2 {
		t.Errorf("Open of a zip file = %d drawings, %v, want 2", library.Len(), err)
	}
}

func TestOpenNamesWhatIsWrong(t *testing.T) {
	damaged := packed(t, map[string]string{"a/b/0001_01.txt": line, "a/b/0001_02.txt": "START\n1,2\n"})
	if _, err := strokes.Open(context.Background(), damaged); err == nil || !strings.Contains(err.Error(), `a/b/0001_02.txt: line 2: received "1,2"`) {
		t.Errorf("Open = %v, want the file, the line and what it has", err)
	}
	if _, err := strokes.Open(context.Background(), pictures); !errors.Is(err, strokes.ErrNoFiles) {
		t.Errorf("Open of pictures = %v, want ErrNoFiles", err)
	}
	if _, err := strokes.Open(context.Background(), "no/such/file.zip"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of nothing = %v, want fs.ErrNotExist", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := strokes.Open(ctx, recorded); !errors.Is(err, context.Canceled) {
		t.Errorf("Open = %v, want context.Canceled", err)
	}
}
