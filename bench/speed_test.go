package bench

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"image/png"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/client"
)

// rowOf is the row whose name has a text in it.
func rowOf(t *testing.T, rows []Row, text string) Row {
	t.Helper()
	for _, row := range rows {
		if strings.Contains(row.Name, text) {
			return row
		}
	}
	t.Fatalf("there is no row %q in %+v", text, rows)
	return Row{}
}

// A ratio is of one round, so that a slow round does not count against one side.
func TestSpeedRates(t *testing.T) {
	rates := speedRates{server: []float64{10, 4, 9}, here: []float64{10, 5, 10}}
	rows := rates.rows("frames", "frames", 0.85)
	for _, tt := range []struct {
		name  string
		want  float64
		holds bool
	}{
		{"frames, rate", 9, true},
		{"decoded and encoded in process", 10, true},
		{"frames, to in process", 0.9, true},
	} {
		if row := rowOf(t, rows, tt.name); math.Abs(row.Value-tt.want) > 1e-9 || row.Holds != tt.holds {
			t.Errorf("%s = %v, holds %t; want %v, %t", tt.name, row.Value, row.Holds, tt.want, tt.holds)
		}
	}
	if row := rowOf(t, rates.rows("frames", "frames", 0.95), "to in process"); row.Holds {
		t.Errorf("0.9 holds the bar of %v", *row.Bar)
	}
}

func TestKerasRates(t *testing.T) {
	rows := kerasRates([]float64{1, 0.5}, []float64{1 / 1.4, 0.5 / 1.4}, []float64{1 / 2.6, 0.5 / 2.6})
	if row := rowOf(t, rows, "Compare to Keras"); math.Abs(row.Value-1.4) > 1e-9 || !row.Holds {
		t.Errorf("Compare to Keras = %v, holds %t; want 1.4, true", row.Value, row.Holds)
	}
	if row := rowOf(t, rows, "fixed reference to Keras"); math.Abs(row.Value-2.6) > 1e-9 || row.Holds {
		t.Errorf("frames to Keras = %v, holds %t; want 2.6, false", row.Value, row.Holds)
	}
}

// sizes encodes an image as its length.
type sizes struct{}

func (sizes) Encode(_ context.Context, pixels []byte) ([]float32, error) {
	return []float32{float32(len(pixels))}, nil
}

// The same pairs go to Keras and to the server, whose similarities must agree.
func TestKerasRoundHoldsSimilaritiesAgainstEachOther(t *testing.T) {
	service, address, _ := serveFake(t)
	frames := [][]byte{[]byte("bb"), []byte("cccc")}
	tests := []struct {
		give, want string
	}{
		{"0.5 0.002 0.004", ""},
		{"0.5 0.002 0.0042", "pair 1: keras says"},
		{"0.5 0.002", "of 2 pairs"},
		{"0 0.002 0.004", "of 2 pairs"},
		{"fast", "want numbers"},
	}
	for _, tt := range tests {
		peer, err := startKeras(t.Context(), fakeKeras(tt.give), []byte("pixels"))
		if err != nil {
			t.Fatal(err)
		}
		connection, err := client.New(address)
		if err != nil {
			t.Fatal(err)
		}
		stream, err := target{connection}.openStream(t.Context(), []byte("a"), 1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := InTurn(1, kerasWorks(t.Context(), peer, target{connection}, stream, []byte("a"), frames)...)
		if (err == nil) != (tt.want == "") || (err != nil && !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("round with Keras' %q = %v, want %q", tt.give, err, tt.want)
		}
		if err == nil && (got[0][0] != 0.5 || got[1][0] <= 0 || got[2][0] <= 0) {
			t.Errorf("seconds = %v, want the 0.5 that Keras says and more than none of the server", got)
		}
		stream.Close()
		if err := errors.Join(connection.Close(), peer.stop()); err != nil {
			t.Error(err)
		}
	}
	if service.compares.Load() == 0 || service.frames.Load() == 0 {
		t.Error("the server was asked nothing")
	}
}

func TestSpeedWorkIsOfTheNextPictures(t *testing.T) {
	var prepared []string
	s := Speed{Serving: Serving{Encoder: sizes{}, Prepare: func(file []byte) ([]byte, error) {
		prepared = append(prepared, string(file))
		return file, nil
	}}}
	files := [][]byte{[]byte("a"), []byte("b"), []byte("c"), []byte("d")}
	for number := range 3 {
		if err := s.pairs(files)(t.Context(), number); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.images(files)(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d", "a", "b", "b"}, prepared); diff != "" {
		t.Errorf("prepared (-want +got):\n%s", diff)
	}
}

// Pictures are what they are said to be, and no two are alike.
func TestPictures(t *testing.T) {
	scenes, err := Scenes(3)
	if err != nil {
		t.Fatal(err)
	}
	drawings, err := Drawings(3)
	if err != nil {
		t.Fatal(err)
	}
	for i := range scenes {
		size, err := jpeg.DecodeConfig(bytes.NewReader(scenes[i]))
		if err != nil || size.Width != 640 || size.Height != 480 || len(scenes[i]) < 50_000 {
			t.Errorf("scene %d has %d bytes, %+v, %v; want 640×480 and the bytes of a camera's", i, len(scenes[i]), size, err)
		}
		if size, err := png.DecodeConfig(bytes.NewReader(drawings[i])); err != nil || size.Width != 105 || size.Height != 105 {
			t.Errorf("drawing %d has %+v, %v; want 105×105", i, size, err)
		}
		other := (i + 1) % len(scenes)
		if bytes.Equal(scenes[i], scenes[other]) || bytes.Equal(drawings[i], drawings[other]) {
			t.Errorf("pictures %d and %d are alike", i, other)
		}
	}
}
