// Package overlap says whether one picture shows what another one shows, the whole or a
// part of it, by their pixels: how well the details of one agree with those of the other
// where it lies best on it. It finds scaled, compressed, cropped, blurred and recoloured
// copies, and none that are turned or mirrored.
package overlap

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"siamese/imaging"
)

// Side is the longer side of a look in pixels.
const Side = 48

// Version is raised whenever the same pictures would give other looks or another
// agreement: programs keep both.
const Version = 1

// Look is a small grey picture of a whole image. It must not be changed.
type Look struct {
	Width, Height int    // 1 to Side; 0: there is none, which agrees with nothing
	Levels        []byte // rows of Width
}

// NewLook is the look of a picture that is at most Side pixels wide and high, such as a
// thumbnail.
func NewLook(p *imaging.Picture) (Look, error) {
	if p.Width < 1 || p.Height < 1 || p.Width > Side || p.Height > Side || len(p.Pix) != 3*p.Width*p.Height {
		return Look{}, fmt.Errorf("look: received a picture of %d×%d with %d bytes, expected sides of 1 to %d and 3 bytes a pixel", p.Width, p.Height, len(p.Pix), Side)
	}
	look := Look{Width: p.Width, Height: p.Height, Levels: make([]byte, p.Width*p.Height)}
	for i := range look.Levels {
		red, green, blue := int(p.Pix[3*i]), int(p.Pix[3*i+1]), int(p.Pix[3*i+2])
		look.Levels[i] = byte((299*red + 587*green + 114*blue + 500) / 1000)
	}
	return look, nil
}

// How a place is searched: at half the look's size first, by scales that fall to a part
// of a sixth of the area, and around the best few of them at full size.
const (
	detailReach = 4    // pixels to each side that details are told from
	scaleStep   = 0.92 // from one scale to the next
	leastScale  = 0.4
	fineStep    = 0.965
	fineReach   = 2 // pixels to each side
	bestPlaces  = 3
	// leastCoarse is the agreement at half the size below which there is none at full
	// size that counts.
	leastCoarse = 0.6
	// leastArea is how many pixels of each look must agree. A smaller area agrees with
	// some place on a large picture by chance.
	leastArea = 200
)

// Image is a look with what is worked out of it for many comparisons, some 100 kB. It is
// safe for concurrent use.
type Image struct {
	fine           plane // of the look
	coarse, detail field
}

// New prepares a look.
func New(look Look) *Image {
	if look.Width == 0 {
		return &Image{}
	}
	fine := newPlane(look.Width, look.Height)
	for i, level := range look.Levels {
		fine.levels[i] = float32(level)
	}
	half := fine.resized((look.Width+1)/2, (look.Height+1)/2)
	return &Image{fine: fine, coarse: newField(half.detail(detailReach)), detail: newField(fine.detail(detailReach))}
}

// Agreement is 0 to 1: the correlation of the details of one image with those of the
// other where the one lies best within the other. It is 0 where one has no details, and
// where they agree so little at half the size that no more was looked at. It is the same
// for (a, b) and (b, a), unless two places are equally good.
func Agreement(a, b *Image) float32 {
	if a.fine.width*a.fine.height < leastArea || b.fine.width*b.fine.height < leastArea {
		return 0
	}
	all := append(places(a, b), places(b, a)...)
	slices.SortStableFunc(all, func(p, q place) int { return cmp.Compare(q.agreement, p.agreement) })
	best := 0.0
	for _, p := range all[:min(bestPlaces, len(all))] {
		if p.agreement >= leastCoarse {
			best = max(best, p.refined())
		}
	}
	return float32(best)
}

// place is where a part lies in a whole.
type place struct {
	whole, part *Image
	scale       float64 // of the largest that fits
	x, y        int
	agreement   float64
}

// places are the best places of a part in a whole at half the size, one a scale.
func places(whole, part *Image) (places []place) {
	for scale := 1.0; scale > leastScale; scale *= scaleStep {
		if width, height := part.fit(whole.fine, scale); width*height < leastArea {
			break
		}
		around := place{whole: whole, part: part, scale: scale}
		places = append(places, whole.coarse.best(part.scaled(whole.coarse.plane, scale), around, Side))
	}
	return places
}

// refined is the best agreement around a place at full size.
func (p place) refined() (agreement float64) {
	for _, scale := range []float64{p.scale / fineStep, p.scale, p.scale * fineStep} {
		if scale > 1+1e-9 {
			continue
		}
		around := place{x: 2 * p.x, y: 2 * p.y}
		agreement = max(agreement, p.whole.detail.best(p.part.scaled(p.whole.detail.plane, scale), around, fineReach).agreement)
	}
	return agreement
}

// fit is a share of the largest size at which an image fits within a plane.
func (i *Image) fit(within plane, scale float64) (width, height int) {
	scale *= min(float64(within.width)/float64(i.fine.width), float64(within.height)/float64(i.fine.height))
	width = max(1, min(within.width, int(math.Round(scale*float64(i.fine.width)))))
	height = max(1, min(within.height, int(math.Round(scale*float64(i.fine.height)))))
	return width, height
}

// scaled are the details of an image at a share of the largest size that fits within a
// plane.
func (i *Image) scaled(within plane, scale float64) part {
	width, height := i.fit(within, scale)
	p := part{plane: i.fine.resized(width, height).detail(detailReach)}
	for _, level := range p.levels {
		p.sum += float64(level)
		p.square += float64(level) * float64(level)
	}
	return p
}

// best is the best place of a part, up to some pixels away from a place.
func (f field) best(part part, around place, away int) place {
	best := around
	best.agreement = -1
	for y := max(0, around.y-away); y <= min(around.y+away, f.height-part.height); y++ {
		for x := max(0, around.x-away); x <= min(around.x+away, f.width-part.width); x++ {
			if agreement := f.correlation(part, x, y); agreement > best.agreement {
				best.x, best.y, best.agreement = x, y, agreement
			}
		}
	}
	return best
}

// field is a plane with its sums.
type field struct {
	plane
	under sums
}

// part is a plane to be looked for, with the sums of its levels and of their squares.
type part struct {
	plane
	sum, square float64
}

func newField(p plane) field { return field{p, p.sums()} }

// leastVariance is what flat areas have below, in levels squared: what they show is the
// noise of their compression.
const leastVariance = 1

// correlation is that of a part with what lies below it, its left and top at x and y.
func (f field) correlation(part part, x, y int) float64 {
	n := float64(part.width * part.height)
	sum, square := f.under.of(x, y, x+part.width, y+part.height)
	partVariance, variance := part.square-part.sum*part.sum/n, square-sum*sum/n
	if partVariance < leastVariance*n || variance < leastVariance*n {
		return 0
	}
	var product float64
	for row := range part.height {
		product += float64(dot(f.row(x, y+row, part.width), part.row(0, row, part.width)))
	}
	return (product - sum*part.sum/n) / math.Sqrt(partVariance*variance)
}

// dot is the sum of products of two rows of one length.
func dot(a, b []float32) (sum float32) {
	var even, odd float32 // the processor adds both at a time
	b = b[:len(a)]
	for len(a) >= 2 {
		even += a[0] * b[0]
		odd += a[1] * b[1]
		a, b = a[2:], b[2:]
	}
	if len(a) == 1 {
		even += a[0] * b[0]
	}
	return even + odd
}
