package dataset_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"siamese/imaging"
	"siamese/train/dataset"
)

// inked shows the dark pixels as rows of letters.
func inked(p *imaging.Picture) string {
	var rows strings.Builder
	for i := 0; i < len(p.Pix); i += 3 {
		if i > 0 && i/3%p.Width == 0 {
			rows.WriteByte('\n')
		}
		if p.Pix[i] < 128 {
			rows.WriteByte('#')
		} else {
			rows.WriteByte('.')
		}
	}
	return rows.String()
}

// dots is white but for single dark pixels.
func dots(t *testing.T, at ...image.Point) []byte {
	t.Helper()
	canvas := image.NewGray(image.Rect(0, 0, side, side))
	for i := range canvas.Pix {
		canvas.Pix[i] = 255
	}
	for _, dot := range at {
		canvas.SetGray(dot.X, dot.Y, color.Gray{})
	}
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, canvas); err != nil {
		t.Fatal(err)
	}
	return encoded.Bytes()
}

func TestCombine(t *testing.T) {
	// Eight pixels across, parts of four: each covers two by two.
	var stroke []image.Point
	for y := range side {
		stroke = append(stroke, image.Pt(3, y))
	}
	given := files{"a/1.png": dots(t, stroke...), "b/1.png": dots(t, image.Pt(7, 0)), "b/2.png": glyph(t, "b")}
	d, _ := open(t, given.folder(t))
	line, dot := d.Classes()[0].Images[0], d.Classes()[1].Images[0]
	quarter := line
	quarter.Turns = 1
	mirrored := dot
	mirrored.Mirrored = true
	tests := []struct {
		name          string
		first, second dataset.Image
		how           dataset.Arrangement
		want          string
	}{
		{"beside", line, dot, dataset.Beside, "........\n........\n.#.....#\n.#......\n.#......\n.#......\n........\n........"},
		{"above", line, dot, dataset.Above, "...#....\n...#....\n...#....\n...#....\n.....#..\n........\n........\n........"},
		{"over", line, dot, dataset.Over, "...#...#\n" + strings.Repeat("...#....\n", 6) + "...#...."},
		{"both posed", quarter, mirrored, dataset.Over, "#.......\n........\n........\n########\n........\n........\n........\n........"},
		{"one of each class above itself", dot, dot, dataset.Above, ".....#..\n........\n........\n........\n.....#..\n........\n........\n........"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			combined, err := dataset.Combine(tt.first, tt.second, tt.how)
			if err != nil {
				t.Fatal(err)
			}
			picture, err := d.Picture(combined)
			if err != nil {
				t.Fatal(err)
			}
			if got := inked(picture); got != tt.want {
				t.Errorf("picture =\n%s\nwant\n%s", got, tt.want)
			}
			gray, ok := d.Gray(combined)
			if !ok {
				t.Fatal("Gray = false, want the pixels that are in memory")
			}
			for i, level := range gray {
				if level != picture.Pix[3*i] {
					t.Fatalf("pixel %d: Gray = %d, Picture = %d, want the same", i, level, picture.Pix[3*i])
				}
			}
			if want := tt.first.Name + "+" + tt.second.Name; combined.Name != want {
				t.Errorf("name = %q, want %q", combined.Name, want)
			}
			if _, err := dataset.Combine(combined, dot, dataset.Beside); err == nil {
				t.Error("Combine of a combined image = nil, want an error")
			}
		})
	}
	mixture, _ := open(t, mixed(t).folder(t))
	colour, gray := mixture.Classes()[0].Images[0], mixture.Classes()[1].Images[0]
	if image, err := dataset.Combine(gray, colour, dataset.Beside); err != nil {
		t.Error(err)
	} else if _, ok := mixture.Gray(image); ok {
		t.Error("Gray of a coloured part = true, want false")
	}
	for _, how := range []dataset.Arrangement{0, dataset.Over + 1, -1} {
		if _, err := dataset.Combine(line, dot, how); err == nil {
			t.Errorf("Combine arranged by %d = nil, want an error", how)
		}
	}
}
