package dataset

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"siamese/imaging"
	"siamese/train/strokes"
)

const (
	// twinShapes is how many drawings of a twin are held against how many of a class.
	twinShapes, classShapes = 4, 6
	// twinTries is how many times as many twins are tried as are wanted.
	twinTries = 4
	// twinSources is how many drawings a twin is made of at least, where its class has
	// as many: a twin of a single one would hardly vary.
	twinSources = 3
	// twinParts bounds the characters of an alphabet that parts are taken from.
	twinParts = 12
)

// twin is a new character made of a class.
type twin struct {
	made    *strokes.Twin
	sources []*file // drawings of the class whose parts are known again
}

// drawing is the twin as made of a file, or where its parts are not known again as made
// of one by chance. It gives that one's pen too.
func (t *twin) drawing(p *penned, of *file, random *rand.Rand) (*inked, strokes.Drawing) {
	if parts, ok := t.made.Of(p.of[of].parts); ok {
		return p.of[of], parts
	}
	source := p.of[t.sources[random.IntN(len(t.sources))]]
	parts, ok := t.made.Of(source.parts)
	if !ok { // never: it is among the sources
		parts = t.made.Template()
	}
	return source, parts
}

// base is a class that twins are made of.
type base struct {
	class  Class
	files  []*file // with known strokes
	shapes *shapes
}

// Twins is how many twins a class has, turned and mirrored as the class is.
func (d *Dataset) Twins(class Class) int { return len(d.twins(class)) }

func (d *Dataset) twins(class Class) []*twin {
	if d.penned == nil {
		return nil
	}
	return d.penned.twins[class.Images[0].file]
}

// TwinOperation says how a class's twin, 0 to below Twins, is made of it.
func (d *Dataset) TwinOperation(class Class, number int) strokes.Operation {
	return d.twins(class)[number].made.Operation
}

// Twin names a picture of a class's twin, 0 to below Twins: made of an image of the class
// and drawn by the hand and the pen of a seed. All such pictures are of one new class,
// which looks like no other one of the alphabet. It fails where there is no such twin or
// the image's strokes aren't known.
func (d *Dataset) Twin(class Class, number int, image Image, seed uint64) (Image, error) {
	twins := d.twins(class)
	if number < 0 || number >= len(twins) {
		return Image{}, fmt.Errorf("dataset: class %q has %d twins, received number %d", class.Name, len(twins), number)
	}
	if d.penned.of[image.file] == nil {
		return Image{}, fmt.Errorf("dataset: image %q: its strokes aren't known", image.Name)
	}
	made := twins[number].made
	image.Name += fmt.Sprintf("~%v%d", made.Operation, number)
	image.redrawn = redrawing{is: true, seed: seed, twin: twins[number]}
	image.second = part{}
	return image, nil
}

// makeTwins draws the twins of all upright classes.
func (d *Dataset) makeTwins(ctx context.Context, cfg StrokesConfig, report *StrokesReport) error {
	bases, err := d.bases(ctx)
	if err != nil {
		return err
	}
	alphabets := map[string][]*base{}
	for _, b := range bases {
		alphabets[b.class.Alphabet] = append(alphabets[b.class.Alphabet], b)
	}
	poses := d.poses()
	made, refused := make([][]twinLook, len(bases)), make([]int, len(bases))
	err = each(ctx, len(bases), func(i int) {
		m := twinMaker{penned: d.penned, canvas: d.canvas(1), base: bases[i], beside: alphabets[bases[i].class.Alphabet], poses: poses}
		m.random = rand.New(rand.NewPCG(cfg.Seed, nameSeed(bases[i].class.Name)))
		made[i], refused[i] = m.make(cfg.Twins)
	})
	if err == nil {
		err = keepApart(ctx, bases, made, poses)
	}
	if err != nil {
		return err
	}
	for i, twins := range made {
		report.Refused += refused[i]
		var kept []*twin
		for _, t := range twins {
			if t.twin == nil {
				report.Refused++
				continue
			}
			kept = append(kept, t.twin)
			report.ByOperation[t.made.Operation]++
		}
		d.penned.twins[bases[i].class.Images[0].file] = kept
		report.Twins += len(kept)
	}
	return nil
}

// poses are the ways in which classes are turned and mirrored.
func (d *Dataset) poses() []variant {
	var there [allVariants]bool
	var poses []variant
	for _, class := range d.classes {
		v := variant(class.Images[0].Turns)
		if class.Images[0].Mirrored {
			v += quarters
		}
		if !there[v] {
			there[v] = true
			poses = append(poses, v)
		}
	}
	return poses
}

// bases are the upright classes with known strokes.
func (d *Dataset) bases(ctx context.Context) ([]*base, error) {
	var bases []*base
	for _, class := range d.classes {
		if class.Images[0].Turns != 0 || class.Images[0].Mirrored {
			continue
		}
		b := &base{class: class}
		for _, image := range class.Images {
			if d.penned.of[image.file] != nil {
				b.files = append(b.files, image.file)
			}
		}
		if len(b.files) > 0 {
			bases = append(bases, b)
		}
	}
	failed := make([]error, len(bases))
	err := each(ctx, len(bases), func(i int) { bases[i].shapes, failed[i] = d.uprightShapes(bases[i].class) })
	for _, fault := range failed {
		if err == nil {
			err = fault
		}
	}
	return bases, err
}

// uprightShapes are those of some drawings of a class as they are.
func (d *Dataset) uprightShapes(class Class) (*shapes, error) {
	s := &shapes{}
	for _, image := range class.Images[:min(classShapes, len(class.Images))] {
		picture, err := d.picture(image)
		if err != nil {
			return nil, err
		}
		s.of[0] = append(s.of[0], shapeOf(picture))
	}
	s.within = s.distance(0, s)
	return s, nil
}

// twinMaker makes the twins of one class.
type twinMaker struct {
	*penned
	canvas canvas
	base   *base
	beside []*base // the alphabet, the class itself included
	poses  []variant
	random *rand.Rand
}

// make tries operations in turn until there are enough twins.
func (m *twinMaker) make(most int) (made []twinLook, refused int) {
	operations := strokes.Operations()
	for try := 0; try < twinTries*most && len(made) < most; try++ {
		t, ok := m.try(operations[try%len(operations)])
		if !ok {
			continue
		}
		if m.isBase(t) || !m.findSources(t) {
			refused++
			continue
		}
		look := m.look(t)
		if m.isKnown(look, made) {
			refused++
			continue
		}
		made = append(made, twinLook{t, look})
	}
	return made, refused
}

// try makes a twin of a drawing by chance.
func (m *twinMaker) try(operation strokes.Operation) (*twin, bool) {
	template := m.base.files[m.random.IntN(len(m.base.files))]
	var others []strokes.Drawing
	for _, i := range m.random.Perm(len(m.beside)) {
		if other := m.beside[i]; other != m.base && len(others) < twinParts {
			others = append(others, m.of[other.files[m.random.IntN(len(other.files))]].parts)
		}
	}
	made, ok := strokes.NewTwin(operation, m.random.Uint64(), m.of[template].parts, others)
	if !ok {
		return nil, false
	}
	_, ok = made.Of(m.of[template].parts)
	return &twin{made: made, sources: []*file{template}}, ok
}

// isBase reports whether a twin's template looks like the class that it is made of: most
// of those that are refused do, and it is quickly seen.
func (m *twinMaker) isBase(t *twin) bool {
	pen := strokes.Pen{Width: m.of[t.sources[0]].pen}
	pixels := pen.Draw(strokes.Fitted(t.made.Template(), pen.Width), m.canvas.width, m.canvas.height)
	look := &shapes{}
	look.of[0] = []*shape{m.shape(pixels)}
	return look.distance(0, m.base.shapes) <= symmetricRatio*m.base.shapes.within
}

// findSources finds the drawings in which the template's parts are known again, and
// reports whether they are enough.
func (m *twinMaker) findSources(t *twin) bool {
	template := t.sources[0]
	t.sources = nil
	for _, f := range m.base.files {
		if _, ok := t.made.Of(m.of[f].parts); ok || f == template {
			t.sources = append(t.sources, f)
		}
	}
	return len(t.sources) >= min(twinSources, len(m.base.files))
}

// shape is that of a drawing's pixels.
func (m *twinMaker) shape(pixels []byte) *shape {
	return shapeOf(&imaging.Picture{Width: m.canvas.width, Height: m.canvas.height, Pix: widened(pixels)})
}

// look is how some drawings of a twin look, in all poses.
func (m *twinMaker) look(t *twin) *shapes {
	look := &shapes{}
	for i := range min(twinShapes, len(m.base.files)) {
		source := t.sources[i*len(t.sources)/twinShapes]
		pixels := m.draw(source, redrawing{is: true, seed: m.random.Uint64(), twin: t}, m.canvas)
		upright := m.shape(pixels)
		for _, v := range m.poses {
			look.of[v] = append(look.of[v], upright.made(v))
		}
	}
	look.within = look.distance(0, look)
	return look
}

// isKnown reports whether a twin looks like its class, another one of the alphabet or a
// twin before, in any pose in which both are in the data.
func (m *twinMaker) isKnown(look *shapes, before []twinLook) bool {
	if look.like(m.base.shapes, m.poses, symmetricRatio) {
		return true
	}
	for _, other := range m.beside {
		if other != m.base && look.like(other.shapes, m.poses, alikeRatio) {
			return true
		}
	}
	return slices.ContainsFunc(before, func(t twinLook) bool { return look.like(t.look, m.poses, alikeRatio) })
}
