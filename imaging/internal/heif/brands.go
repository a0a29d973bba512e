package heif

import (
	"slices"
)

// Brands is what a file says of itself at its beginning.
type Brands struct {
	Major string   // "" where the data is no file of boxes
	Other []string // compatible ones
}

// maxBrands bounds how many are read.
const maxBrands = 64

// BrandsOf reads the first box.
func BrandsOf(data []byte) Brands {
	for b := range boxes(data) {
		if b.kind != "ftyp" || len(b.payload) < 4 {
			break
		}
		r := fields{rest: b.payload}
		brands := Brands{Major: r.kind()}
		r.u32() // minor version
		for len(r.rest) >= 4 && len(brands.Other) < maxBrands {
			brands.Other = append(brands.Other, r.kind())
		}
		return brands
	}
	return Brands{}
}

var (
	avifBrands  = []string{"avif", "avis", "avio"}
	heicBrands  = []string{"heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"}
	imageBrands = []string{"mif1", "mif2", "mif3", "msf1", "miaf", "1pic"} // of whatever codec
)

// AVIF reports whether a file says that its pictures are AV1.
func (b Brands) AVIF() bool {
	return slices.Contains(avifBrands, b.Major) ||
		!slices.Contains(heicBrands, b.Major) && b.Image() && slices.ContainsFunc(b.Other, in(avifBrands))
}

// Image reports whether the file is of pictures, and no film.
func (b Brands) Image() bool {
	for _, brands := range [][]string{avifBrands, heicBrands, imageBrands} {
		if slices.Contains(brands, b.Major) {
			return true
		}
	}
	// A film may name a brand of pictures only by its first frame.
	return slices.ContainsFunc(b.Other, in([]string{"mif1", "msf1", "heic", "heix", "avif"}))
}

// sequence reports whether the pictures are in a track rather than in items.
func (b Brands) sequence() bool {
	return slices.Contains([]string{"avis", "msf1", "hevc", "hevx", "hevm", "hevs"}, b.Major)
}

func in(list []string) func(string) bool {
	return func(s string) bool { return slices.Contains(list, s) }
}
