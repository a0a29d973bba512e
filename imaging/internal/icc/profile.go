package icc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
)

// profile is the head of a profile with its tags.
type profile struct {
	data   []byte
	space  string // of the pixels: "RGB " or "GRAY"
	isLab  bool   // what tables lead to; XYZ otherwise
	tags   map[string][]byte
	inputs int // samples of a pixel
}

const (
	headBytes = 128
	tagBytes  = 12
	maxTags   = 100 // as other engines have it; profiles have about 20
)

// read reads the head and the list of tags.
func read(data []byte) (profile, error) {
	if len(data) < headBytes+4 || string(data[36:40]) != "acsp" {
		return profile{}, errors.New("icc: no profile's head")
	}
	p := profile{data: data, space: string(data[16:20]), tags: map[string][]byte{}}
	switch p.space {
	case "RGB ":
		p.inputs = 3
	case "GRAY":
		p.inputs = 1
	default:
		return profile{}, fmt.Errorf("icc: pixels of %q, expected RGB or GRAY", p.space)
	}
	switch class := string(data[12:16]); class {
	case "scnr", "mntr", "prtr", "spac":
	default:
		return profile{}, fmt.Errorf("icc: a profile of class %q, expected one of a device or a colour space", class)
	}
	switch connection := string(data[20:24]); connection {
	case "XYZ ", "Lab ":
		p.isLab = connection == "Lab "
	default:
		return profile{}, fmt.Errorf("icc: a profile that leads to %q, expected XYZ or Lab", connection)
	}
	return p, p.readTags()
}

// readTags leaves out tags that are not whole: others may do.
func (p profile) readTags() error {
	count := int64(binary.BigEndian.Uint32(p.data[headBytes:]))
	list := p.data[headBytes+4:]
	if count > maxTags || int64(len(list)) < count*tagBytes {
		return fmt.Errorf("icc: %d tags in %d bytes, expected at most %d", count, len(p.data), maxTags)
	}
	for range count {
		start, size := uint64(binary.BigEndian.Uint32(list[4:])), uint64(binary.BigEndian.Uint32(list[8:]))
		if start+size <= uint64(len(p.data)) {
			p.tags[string(list[:4])] = p.data[start : start+size]
		}
		list = list[tagBytes:]
	}
	return nil
}

// transform chooses the way: a table of the intent, any table, or curves.
func (p profile) transform() (*Transform, error) {
	for _, name := range []string{"A2B1", "A2B0"} {
		if tag, ok := p.tags[name]; ok {
			t, err := p.byTable(tag)
			if err != nil {
				return nil, fmt.Errorf("icc: %s has %w", name, err)
			}
			return t, nil
		}
	}
	if p.space == "GRAY" {
		return p.byGray()
	}
	return p.byMatrix()
}

// byGray is a curve to the lightness of white: linear, or of Lab's scale.
func (p profile) byGray() (*Transform, error) {
	c, err := p.curve("kTRC")
	if err != nil {
		return nil, err
	}
	light := c.at
	if p.isLab {
		light = func(level float64) float64 { return float64(fromLab(float32(c.at(level)*100+16) / 116)) }
	}
	fine := sync.OnceValue(func() ramp { return newRamp(light) })
	return &Transform{gray: true, convert: func(level, _, _ float32) (r, g, b float32) {
		v := fine().between(level)
		return v, v, v
	}}, nil
}

func (p profile) byMatrix() (*Transform, error) {
	t := &Transform{}
	var toXYZ [3][3]float64
	for c, name := range []string{"r", "g", "b"} {
		var err error
		if t.curves[c], err = p.curve(name + "TRC"); err != nil {
			return nil, err
		}
		colorant, ok := p.tags[name+"XYZ"]
		const head, each = 8, 4
		if !ok || len(colorant) < head+3*each || string(colorant[:4]) != "XYZ " {
			return nil, fmt.Errorf("icc: no %sXYZ, and no table", name)
		}
		for row := range toXYZ {
			toXYZ[row][c] = fixed(colorant[head+each*row:])
		}
	}
	t.setMatrix(toXYZ)
	return t, nil
}

// setMatrix takes the matrix from the device's linear light to XYZ.
func (t *Transform) setMatrix(toXYZ [3][3]float64) {
	t.matrix = narrow(multiply(xyzToSRGB, toXYZ))
}

func (p profile) curve(name string) (curve, error) {
	tag, ok := p.tags[name]
	if !ok {
		return curve{}, fmt.Errorf("icc: no %s", name)
	}
	c, _, err := readCurve(tag)
	if err != nil {
		return curve{}, fmt.Errorf("icc: %s has %w", name, err)
	}
	return c, nil
}
