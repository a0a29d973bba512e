package imaging

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"math"
	"slices"
	"testing"

	"siamese/imaging/internal/jpegfile"
)

var errWaits = errors.New("waits")

// An image whose first way fails waits for the one place of the unforeseen where it is
// large alone.
func TestSmallImagesDoNotWaitForTheUnforeseen(t *testing.T) {
	unforeseen <- struct{}{}
	defer func() { <-unforeseen }()
	for _, tt := range []struct {
		name  string
		side  int
		waits bool
	}{{"small", 64, false}, {"large", 1900, true}} {
		t.Run(tt.name, func(t *testing.T) {
			if err := decodeDamaged(t, tt.side); err == nil || errors.Is(err, errWaits) != tt.waits {
				t.Errorf("run = %v, want an error, that it waits: %v", err, tt.waits)
			}
		})
	}
}

// decodeDamaged decodes a JPEG whose coded data is cut but for the end's marker, and
// gives up when it is asked far more often than either way asks.
func decodeDamaged(t *testing.T, side int) error {
	t.Helper()
	const patience = 100
	var out bytes.Buffer
	if err := jpeg.Encode(&out, image.NewGray(image.Rect(0, 0, side, side)), nil); err != nil {
		t.Fatal(err)
	}
	damaged := slices.Concat(out.Bytes()[:out.Len()/2], []byte{0xff, jpegfile.EOI})
	p, err := New(Config{Width: 105, Height: 105})
	if err != nil {
		t.Fatal(err)
	}
	header, err := p.Inspect(damaged)
	if err != nil {
		t.Fatal(err)
	}
	asked, most := 0, math.MaxInt
	give := task{header: header, data: damaged, goOn: func() error {
		if asked++; asked > most {
			return errWaits
		}
		return nil
	}}
	if _, err := give.by(decodeJPEG, newSource(damaged, header.Cost.Work, give.goOn)); err == nil {
		t.Fatal("the first way decodes it")
	}
	asked, most = 0, asked+patience
	_, err = give.run(&scratch{})
	return err
}
