package record_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"

	"siamese/train/record"
)

func TestEpochWritesUpstreamsFiles(t *testing.T) {
	dir := t.TempDir()
	recorder := open(t, record.Config{Dir: dir, Now: noon})
	defer closeRecorder(t, recorder)
	for _, epoch := range [][2]float64{{0.6931471805599453, 0.7}, {0.5, 1e-7}} {
		if err := recorder.Epoch(epoch[0], epoch[1]); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := read(t, dir, record.LossFile), "0.6931471805599453\n0.5\n"; got != want {
		t.Errorf("%s = %q, want %q", record.LossFile, got, want)
	}
	if got, want := read(t, dir, record.ValidationLossFile), "0.7\n1e-07\n"; got != want {
		t.Errorf("%s = %q, want %q", record.ValidationLossFile, got, want)
	}
	decodePNG(t, []byte(read(t, dir, record.LossPlotFile)))
}

func TestEpochWithoutValidationWritesNoValidationFile(t *testing.T) {
	dir := t.TempDir()
	recorder := open(t, record.Config{Dir: dir, Now: noon})
	defer closeRecorder(t, recorder)
	if err := recorder.Epoch(0.5, math.NaN()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, record.ValidationLossFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat(%s) = %v, want no such file", record.ValidationLossFile, err)
	}
}

func TestEpochRefusesLossesThatAreNoNumbers(t *testing.T) {
	recorder := open(t, record.Config{Dir: t.TempDir(), Now: noon})
	defer closeRecorder(t, recorder)
	wantError(t, recorder.Epoch(math.NaN(), 1), "epoch 1 has a mean loss of NaN")
	wantError(t, recorder.Epoch(math.Inf(1), 1), "epoch 1 has a mean loss of +Inf")
	wantError(t, recorder.Epoch(1, math.Inf(1)), "epoch 1 has a validation loss of +Inf")
}

func TestOpenGoesOnWithTheFirstEpochs(t *testing.T) {
	tests := []struct {
		name                      string
		giveTrain, giveValidation string
		giveEpochs                int
		wantTrain, wantValidation string // after a further epoch with 7 and 8
	}{
		{"as many as there are", "1\n2\n", "3\n4\n", 2, "1\n2\n7\n", "3\n4\n8\n"},
		{"fewer", "1\n2\n", "3\n4\n", 1, "1\n7\n", "3\n8\n"},
		{"none", "1\n2\n", "3\n4\n", 0, "7\n", "8\n"},
		{"killed between the two files", "1\n2\n", "3\n", 2, "1\n2\n7\n", "3\nNaN\n8\n"},
		{"validation came to nothing", "1\n", "nan\n", 1, "1\n7\n", "NaN\n8\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, record.LossFile, tt.giveTrain)
			put(t, dir, record.ValidationLossFile, tt.giveValidation)
			recorder := open(t, record.Config{Dir: dir, Epochs: tt.giveEpochs, Now: noon})
			defer closeRecorder(t, recorder)
			if err := recorder.Epoch(7, 8); err != nil {
				t.Fatal(err)
			}
			if got := read(t, dir, record.LossFile); got != tt.wantTrain {
				t.Errorf("%s = %q, want %q", record.LossFile, got, tt.wantTrain)
			}
			if got := read(t, dir, record.ValidationLossFile); got != tt.wantValidation {
				t.Errorf("%s = %q, want %q", record.ValidationLossFile, got, tt.wantValidation)
			}
		})
	}
}

func TestOpenRefusesLossesThatAreNoNumbers(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, record.LossFile, "1\nloss\n")
	_, err := record.Open(record.Config{Dir: dir, Epochs: 2})
	wantError(t, err, `line 2 of epoch_loss.txt is "loss", expected a number`)
}

func TestLossPlotColours(t *testing.T) {
	train, validation := make([]float64, 30), make([]float64, 30)
	for i := range train {
		train[i] = 0.7*math.Exp(-float64(i)/10) + 0.02*math.Sin(float64(7*i))
		validation[i] = train[i] + 0.2
	}
	var (
		red   = color.RGBA{0xff, 0, 0, 0xff}
		coral = color.RGBA{0xff, 0x7f, 0x50, 0xff}
		green = color.RGBA{0, 0x80, 0, 0xff}
		brown = color.RGBA{0x8b, 0x45, 0x13, 0xff}
	)
	tests := []struct {
		name           string
		giveEpochs     int
		giveValidation bool
		want           []color.RGBA
		wantNot        []color.RGBA
	}{
		{"one epoch", 1, true, []color.RGBA{red, coral}, []color.RGBA{green, brown}},
		{"too few to smooth", 4, true, []color.RGBA{red, coral}, []color.RGBA{green, brown}},
		{"a short window", 5, true, []color.RGBA{red, coral, green, brown}, nil},
		{"a long window", 30, true, []color.RGBA{red, coral, green, brown}, nil},
		{"no validation", 30, false, []color.RGBA{red, green}, []color.RGBA{coral, brown}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			second := validation[:tt.giveEpochs]
			if !tt.giveValidation {
				second = []float64{}
				for range tt.giveEpochs {
					second = append(second, nan)
				}
			}
			encoded, err := record.LossPlot(train[:tt.giveEpochs], second)
			if err != nil {
				t.Fatal(err)
			}
			colours := coloursOf(decodePNG(t, encoded))
			for _, c := range tt.want {
				if colours[c] == 0 {
					t.Errorf("no pixel is %v, want a curve of that colour", c)
				}
			}
			for _, c := range tt.wantNot {
				if colours[c] != 0 {
					t.Errorf("%d pixels are %v, want none", colours[c], c)
				}
			}
		})
	}
}

func TestLossPlotRefuses(t *testing.T) {
	_, err := record.LossPlot(nil, nil)
	wantError(t, err, "received 0 training and 0 validation losses")
	_, err = record.LossPlot([]float64{1, 2}, []float64{1})
	wantError(t, err, "received 2 training and 1 validation losses")
	_, err = record.LossPlot([]float64{nan}, []float64{1})
	wantError(t, err, "a training loss is NaN")
}

func decodePNG(t *testing.T, encoded []byte) image.Image {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(encoded))
	if err != nil {
		t.Fatalf("decode plot: %v", err)
	}
	return picture
}

// coloursOf counts the pixels of each colour.
func coloursOf(picture image.Image) map[color.RGBA]int {
	colours := map[color.RGBA]int{}
	for y := picture.Bounds().Min.Y; y < picture.Bounds().Max.Y; y++ {
		for x := picture.Bounds().Min.X; x < picture.Bounds().Max.X; x++ {
			colours[color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)]++
		}
	}
	return colours
}
