package icc

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// byTable is a way by a table of colours, with curves around it.
func (p profile) byTable(tag []byte) (*Transform, error) {
	const head = 32 // of mAB, the shortest
	if len(tag) < head {
		return nil, errors.New("a table that is not whole")
	}
	if int(tag[8]) != p.inputs || tag[9] != 3 {
		return nil, fmt.Errorf("a table of %d inputs and %d outputs, expected %d and 3", tag[8], tag[9], p.inputs)
	}
	var stages []stage
	var err error
	switch kind := string(tag[:4]); kind {
	case "mft1":
		stages, err = readTable8(tag)
	case "mft2":
		stages, err = readTable16(tag)
	case "mAB ":
		stages, err = readElements(tag)
	default:
		return nil, fmt.Errorf("a table of type %q, expected mft1, mft2 or mAB", kind)
	}
	if err != nil {
		return nil, err
	}
	convert := p.connection(string(tag[:4]) == "mft2")
	t := &Transform{gray: p.space == "GRAY", byLUT: true}
	t.convert = func(r, g, b float32) (red, green, blue float32) {
		for _, s := range stages {
			r, g, b = s.apply(r, g, b)
		}
		return convert(r, g, b)
	}
	return t, nil
}

// connection takes what a table gives, 0 to 1, to linear sRGB. Lab of mft2 has another
// scale than Lab of the others.
func (p profile) connection(mft2 bool) converter {
	m := narrow(xyzToSRGB)
	toSRGB := func(x, y, z float32) (r, g, b float32) {
		return m[0][0]*x + m[0][1]*y + m[0][2]*z, m[1][0]*x + m[1][1]*y + m[1][2]*z, m[2][0]*x + m[2][1]*y + m[2][2]*z
	}
	if !p.isLab {
		const scale = 1 + 32767.0/32768
		return func(x, y, z float32) (r, g, b float32) { return toSRGB(x*scale, y*scale, z*scale) }
	}
	scale := float32(1)
	if mft2 {
		scale = 65535.0 / 65280
	}
	return func(l, a, b float32) (red, green, blue float32) {
		l, a, b = l*scale*100, a*scale*255-128, b*scale*255-128
		y := (l + 16) / 116
		return toSRGB(float32(d50[0])*fromLab(y+a/500), float32(d50[1])*fromLab(y), float32(d50[2])*fromLab(y-b/200))
	}
}

// fromLab is the inverse of Lab's cube root.
func fromLab(t float32) float32 {
	const linear = 24.0 / 116
	if t <= linear {
		return (108.0 / 841) * (t - 16.0/116)
	}
	return t * t * t
}

// stage is one step of a table's way.
type stage interface {
	apply(r, g, b float32) (x, y, z float32)
}

// ramps are three curves; of gray pixels the first alone counts, and the others are
// that one.
type ramps [3]ramp

func (s *ramps) apply(r, g, b float32) (x, y, z float32) {
	return s[0].between(r), s[1].between(g), s[2].between(b)
}

func newRamps(curves []curve) *ramps {
	var s ramps
	for i := range s {
		s[i] = newRamp(curves[min(i, len(curves)-1)].at)
	}
	return &s
}

// affine is a matrix and what it adds.
type affine struct {
	m   matrix
	add [3]float32
}

func (s *affine) apply(r, g, b float32) (x, y, z float32) {
	m := &s.m
	return m[0][0]*r + m[0][1]*g + m[0][2]*b + s.add[0],
		m[1][0]*r + m[1][1]*g + m[1][2]*b + s.add[1],
		m[2][0]*r + m[2][1]*g + m[2][2]*b + s.add[2]
}

func readAffine(data []byte) *affine {
	s := &affine{}
	for i := range 9 {
		s.m[i/3][i%3] = float32(fixed(data[4*i:]))
	}
	return s
}

// Heads of mft1 and mft2: the matrix, and where it ends.
const (
	mftMatrixAt = 12
	mftHead     = 48
)

func readTable8(tag []byte) ([]stage, error) {
	const entries = 256
	if len(tag) < mftHead {
		return nil, errors.New("a table that is not whole")
	}
	return readMFT(tag, mftHead, entries, entries, 1)
}

func readTable16(tag []byte) ([]stage, error) {
	const head = mftHead + 4
	if len(tag) < head {
		return nil, errors.New("a table that is not whole")
	}
	in, out := binary.BigEndian.Uint16(tag[mftHead:]), binary.BigEndian.Uint16(tag[mftHead+2:])
	if in < 2 || out < 2 {
		return nil, fmt.Errorf("curves of %d and %d samples, expected at least 2", in, out)
	}
	return readMFT(tag, head, int(in), int(out), 2)
}

// readMFT reads matrix, input curves, table and output curves, of samples of one or two
// bytes.
func readMFT(tag []byte, head, in, out, sample int) ([]stage, error) {
	inputs, points := int(tag[8]), int(tag[10])
	box := lattice{inputs: inputs, points: [3]int{points, points, points}}
	size := box.size()
	if size == 0 || len(tag) < head+sample*(inputs*in+size+3*out) {
		return nil, fmt.Errorf("a table of %d points to a side in %d bytes", points, len(tag))
	}
	samples := words
	if sample == 1 {
		samples = wide
	}
	rest := tag[head:]
	next := func(n int) []uint16 {
		part := samples(rest[:sample*n])
		rest = rest[sample*n:]
		return part
	}
	curves := func(n, entries int) []curve {
		list := make([]curve, n)
		for i := range list {
			list[i].samples = next(entries)
		}
		return list
	}
	var stages []stage
	if m := readAffine(tag[mftMatrixAt:]); inputs == 3 && m.m != (matrix{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}) {
		stages = append(stages, m)
	}
	stages = append(stages, newRamps(curves(inputs, in)))
	box.values = next(size)
	return append(stages, &box, newRamps(curves(3, out))), nil
}

// Elements of a mAB, in the order of the offsets that its head has of them.
const (
	elementB = iota
	elementMatrix
	elementM
	elementTable
	elementA
)

// element returns what is at an element's offset; nil where the offset is zero, which
// says that there is none.
func element(tag []byte, which int) []byte {
	const offsets = 12
	at := uint64(binary.BigEndian.Uint32(tag[offsets+4*which:]))
	if at == 0 {
		return nil
	}
	return tag[min(at, uint64(len(tag))):]
}

// readElements reads a mAB: curves A, table, curves M, matrix and curves B, of which
// any may be missing.
func readElements(tag []byte) ([]stage, error) {
	inputs := int(tag[8])
	if inputs != 3 && element(tag, elementTable) == nil {
		return nil, fmt.Errorf("%d inputs and no table", inputs)
	}
	var stages []stage
	for _, each := range []struct {
		which int
		read  func(data []byte) (stage, error)
	}{
		{elementA, func(data []byte) (stage, error) { return readCurves(data, inputs) }},
		{elementTable, func(data []byte) (stage, error) { return readLattice(data, inputs) }},
		{elementM, func(data []byte) (stage, error) { return readCurves(data, 3) }},
		{elementMatrix, readOffsetMatrix},
		{elementB, func(data []byte) (stage, error) { return readCurves(data, 3) }},
	} {
		data := element(tag, each.which)
		if data == nil {
			continue
		}
		s, err := each.read(data)
		if err != nil {
			return nil, err
		}
		stages = append(stages, s)
	}
	return stages, nil
}

// readOffsetMatrix reads the matrix of a mAB, with what it adds.
func readOffsetMatrix(data []byte) (stage, error) {
	const numbers, factors = 12, 9
	if len(data) < 4*numbers {
		return nil, errors.New("a matrix that is not whole")
	}
	s := readAffine(data)
	for i := range s.add {
		s.add[i] = float32(fixed(data[4*(factors+i):]))
	}
	return s, nil
}

// readCurves reads curves that follow each other at multiples of four bytes.
func readCurves(data []byte, count int) (*ramps, error) {
	list := make([]curve, count)
	for i := range list {
		c, size, err := readCurve(data)
		if err != nil {
			return nil, err
		}
		list[i], data = c, data[min((size+3)/4*4, len(data)):]
	}
	return newRamps(list), nil
}

// readLattice reads the table of a mAB.
func readLattice(data []byte, inputs int) (*lattice, error) {
	const head, widthAt = 20, 16
	if len(data) < head {
		return nil, errors.New("a table that is not whole")
	}
	box := &lattice{inputs: inputs}
	for i := range box.points {
		box.points[i] = int(data[min(i, inputs-1)])
	}
	width, size := int(data[widthAt]), box.size()
	if size == 0 || width != 1 && width != 2 || len(data) < head+width*size {
		return nil, fmt.Errorf("a table of %v points of %d bytes in %d bytes", box.points, width, len(data))
	}
	if width == 1 {
		box.values = wide(data[head : head+size])
	} else {
		box.values = words(data[head : head+2*size])
	}
	return box, nil
}

// lattice is a table of colours at even steps of each input.
type lattice struct {
	inputs int
	points [3]int // of each input; of one input the first counts
	values []uint16
}

// size is how many numbers the table has; zero where it can't be one.
func (t *lattice) size() int {
	size := 3
	for i := range t.inputs {
		if t.points[i] < 2 {
			return 0
		}
		size *= t.points[i]
	}
	return size
}

// place returns the step below a value, and the rest.
func (t *lattice) place(axis int, v float32) (int, float32) {
	last := t.points[axis] - 1
	at := v * float32(last)
	switch {
	case !(at > 0): // no number, too
		return 0, 0
	case at >= float32(last):
		return last - 1, 1
	}
	i := int(at)
	return i, at - float32(i)
}

// apply interpolates in the tetrahedron around the colour: along the axes one after the
// other, the one with the largest rest first.
func (t *lattice) apply(r, g, b float32) (x, y, z float32) {
	i, fr := t.place(0, r)
	if t.inputs == 1 {
		return t.walk(3*i, [3]int{3, 0, 0}, [3]float32{fr, 0, 0})
	}
	j, fg := t.place(1, g)
	k, fb := t.place(2, b)
	blue := 3
	green := blue * t.points[2]
	red := green * t.points[1]
	steps, rests := [3]int{red, green, blue}, [3]float32{fr, fg, fb}
	swap := func(a, b int) {
		if rests[a] < rests[b] {
			steps[a], steps[b], rests[a], rests[b] = steps[b], steps[a], rests[b], rests[a]
		}
	}
	swap(0, 1)
	swap(1, 2)
	swap(0, 1)
	return t.walk(i*red+j*green+k*blue, steps, rests)
}

// walk adds up the differences along three steps, each by its rest.
func (t *lattice) walk(at int, steps [3]int, rests [3]float32) (x, y, z float32) {
	const full = 1.0 / 65535
	v := t.values[at : at+3]
	px, py, pz := float32(v[0]), float32(v[1]), float32(v[2])
	x, y, z = px, py, pz
	for i, s := range steps {
		if at += s; rests[i] == 0 {
			break // the rests behind are zero too, and may lie beyond the table
		}
		v := t.values[at : at+3]
		nx, ny, nz := float32(v[0]), float32(v[1]), float32(v[2])
		x, y, z = x+rests[i]*(nx-px), y+rests[i]*(ny-py), z+rests[i]*(nz-pz)
		px, py, pz = nx, ny, nz
	}
	return x * full, y * full, z * full
}
