package dataset

import (
	"context"
	"math"

	"siamese/imaging"
)

const (
	// shapeSide is the side of a shape's grid: finer grids tell drawers apart
	// rather than characters.
	shapeSide = 16
	// shapeSpan is how many standard deviations of the ink from its centre the
	// grid reaches along each axis.
	shapeSpan = 2.6
	// shapesPerClass bounds the images that stand for a class.
	shapesPerClass = 10
	// alikeRatio is how much farther than the drawings of one class two classes may
	// lie apart and still count as alike. On Omniglot two thirds of the variants
	// between 1.1 and 1.2 are the other character to the eye, a third of those
	// between 1.3 and 1.4, and of the classes as they are 0.6 % of the pairs within
	// an alphabet lie below 1.3.
	alikeRatio = 1.3
	// symmetricRatio is the same of a class and its own variant, which are alike
	// more often: most below 1.6 are, to the eye.
	symmetricRatio = 1.6
)

// shape is where a drawing's ink lies, whatever the drawing's place and size: a
// grid about the centre of the ink, blurred, of length 1.
type shape [shapeSide * shapeSide]float32

// shapeOf takes what is darker than paper for ink. A drawing without ink is zero.
func shapeOf(p *imaging.Picture) *shape {
	sum, x, y, square := 0., 0., 0., 0.
	ink := make([]float64, p.Width*p.Height)
	for i := range ink {
		rgb := p.Pix[3*i : 3*i+3]
		dark := float64(3*math.MaxUint8 - int(rgb[0]) - int(rgb[1]) - int(rgb[2]))
		u, v := float64(i%p.Width), float64(i/p.Width)
		ink[i] = dark
		sum, x, y, square = sum+dark, x+dark*u, y+dark*v, square+dark*(u*u+v*v)
	}
	s := &shape{}
	if sum == 0 {
		return s
	}
	x, y = x/sum, y/sum
	// The deviation along one axis, alike for both, so that a turn changes nothing.
	deviation := math.Sqrt(max(square/sum-x*x-y*y, 1) / 2)
	scale := shapeSide / (2 * shapeSpan * deviation)
	const middle = (shapeSide - 1) / 2.
	for i, dark := range ink {
		if dark > 0 {
			s.splat((float64(i%p.Width)-x)*scale+middle, (float64(i/p.Width)-y)*scale+middle, dark)
		}
	}
	s.blur()
	s.normalize()
	return s
}

// splat shares ink out among the four nearest cells.
func (s *shape) splat(x, y, dark float64) {
	left, top := math.Floor(x), math.Floor(y)
	right, lower := x-left, y-top
	for i, weight := range [4]float64{(1 - right) * (1 - lower), right * (1 - lower), (1 - right) * lower, right * lower} {
		column, row := int(left)+i%2, int(top)+i/2
		if column >= 0 && column < shapeSide && row >= 0 && row < shapeSide {
			s[row*shapeSide+column] += float32(weight * dark)
		}
	}
}

// blur weighs each cell and its neighbours 1:2:1 along both axes.
func (s *shape) blur() {
	for _, step := range [2]int{1, shapeSide} {
		from := *s
		for i := range from {
			at := i / step % shapeSide
			sum := 2 * from[i]
			if at > 0 {
				sum += from[i-step]
			}
			if at < shapeSide-1 {
				sum += from[i+step]
			}
			s[i] = sum
		}
	}
}

func (s *shape) normalize() {
	length := float32(math.Sqrt(float64(s.dot(s))))
	for i := range s {
		s[i] /= length
	}
}

// dot is 1 for equal shapes, and 0 for those without a common place.
func (s *shape) dot(other *shape) float32 {
	var a, b, c, d float32 // four sums, so that additions needn't wait for each other
	for i := 0; i < len(s); i += 4 {
		a += s[i] * other[i]
		b += s[i+1] * other[i+1]
		c += s[i+2] * other[i+2]
		d += s[i+3] * other[i+3]
	}
	return a + b + c + d
}

// made gives the shape of the drawing mirrored and turned.
func (s *shape) made(v variant) *shape {
	out := &shape{}
	const last = shapeSide - 1
	for i, ink := range s {
		x, y := i%shapeSide, i/shapeSide
		if v.mirrored() {
			x = last - x
		}
		for range v.turns() {
			x, y = last-y, x
		}
		out[y*shapeSide+x] = ink
	}
	return out
}

// shapes are those of a class's first images, each in all variants, and how far
// they lie from each other.
type shapes struct {
	of     [allVariants][]*shape
	within float32 // the mean distance of a drawing to the nearest other one; 0 for a single one
}

// shapesOf decodes some images of a class.
func (d *Dataset) shapesOf(class Class) (*shapes, error) {
	s := &shapes{}
	for _, image := range class.Images[:min(shapesPerClass, len(class.Images))] {
		picture, err := d.picture(image)
		if err != nil {
			return nil, err
		}
		upright := shapeOf(picture)
		for v := range variant(allVariants) {
			s.of[v] = append(s.of[v], upright.made(v))
		}
	}
	s.within = s.distance(0, s)
	return s, nil
}

// distance is the mean distance from a drawing made by v to the nearest drawing of
// the other class; a class does not count a drawing as nearest to itself.
func (s *shapes) distance(v variant, other *shapes) float32 {
	var sum float32
	counted := 0
	for i, a := range s.of[v] {
		nearest := float32(-1)
		for j, b := range other.of[0] {
			if s != other || i != j {
				nearest = max(nearest, a.dot(b))
			}
		}
		if nearest >= 0 {
			sum, counted = sum+1-nearest, counted+1
		}
	}
	return sum / float32(max(counted, 1))
}

// alike reports whether v of the one class looks like the other class as it is.
func (s *shapes) alike(v variant, other *shapes) bool {
	ratio := float32(alikeRatio)
	if s == other {
		ratio = symmetricRatio
	}
	return s.distance(v, other) <= ratio*max(s.within, other.within)
}

// lookalikes returns for each class which variants, as bits, look like a class of
// its alphabet, or like a variant of one that is kept and stands before it.
func (d *Dataset) lookalikes(ctx context.Context, variants []variant) ([]uint8, error) {
	all, failed := make([]*shapes, len(d.classes)), make([]error, len(d.classes))
	if err := each(ctx, len(all), func(i int) { all[i], failed[i] = d.shapesOf(d.classes[i]) }); err != nil {
		return nil, err
	}
	for _, err := range failed {
		if err != nil {
			return nil, err
		}
	}
	// Of each class and each class up to it in its alphabet, the variants as bits.
	pairs := make([][]uint8, len(all))
	err := each(ctx, len(all), func(i int) {
		pairs[i] = make([]uint8, i+1)
		for j := range i + 1 {
			for v := range variant(allVariants) {
				if d.classes[i].Alphabet == d.classes[j].Alphabet && all[i].alike(v, all[j]) {
					pairs[i][j] |= 1 << v
				}
			}
		}
	})
	return leftOut(pairs, variants), err
}

// leftOut goes through the variants in order, class by class, and takes each that
// looks like nothing that is there.
func leftOut(pairs [][]uint8, variants []variant) []uint8 {
	alike := func(i int, v variant, j int, w variant) bool {
		if u := v.beside(w); i >= j {
			return pairs[i][j]>>u&1 != 0
		}
		u := w.beside(v)
		return pairs[j][i]>>u&1 != 0
	}
	taken := make([]uint8, len(pairs)) // by class, variants as bits
	for i := range taken {
		taken[i] = 1
	}
	left := make([]uint8, len(pairs))
	for _, v := range variants {
		for i := range pairs {
			like := false
			for j := range taken {
				for w := range variant(allVariants) {
					like = like || (taken[j]>>w&1 != 0 && alike(i, v, j, w))
				}
			}
			if like {
				left[i] |= 1 << v
			} else {
				taken[i] |= 1 << v
			}
		}
	}
	return left
}
