package jpegfile

import "slices"

// NeedsLibjpeg reports whether an image goes to libjpeg straight: the standard library
// does not take it, or takes it for another picture than libjpeg does.
func (f *Frame) NeedsLibjpeg() bool {
	switch {
	case f.Arithmetic, !f.huffman, !f.Complete:
		return true
	case f.Components == 3 && f.IsRGBInGo() != f.isRGB(), f.Components == 4 && !f.adobe:
		return true
	case f.Progressive && f.late: // the standard library takes the last tables for all
		return true
	case f.hasRepeatedIDs(), f.lacksTable():
		return true
	}
	return f.Components > 1 && f.hasOddSampling()
}

// IsRGBInGo reports whether the standard library takes three components for RGB.
func (f *Frame) IsRGBInGo() bool {
	return !f.lastJFIF && (f.adobe && f.transform == 0 || string(f.ids[:3]) == "RGB")
}

// isRGB reports whether libjpeg does.
func (f *Frame) isRGB() bool {
	if f.jfif {
		return false
	}
	if f.adobe {
		return f.transform == 0
	}
	return string(f.ids[:3]) == "RGB"
}

func (f *Frame) hasRepeatedIDs() bool {
	for i, id := range f.ids[:f.Components] {
		if slices.Contains(f.ids[:i], id) {
			return true
		}
	}
	return false
}

// lacksTable reports whether a component has no table of quantization. The standard
// library multiplies by zero then.
func (f *Frame) lacksTable() bool {
	for _, table := range f.table[:f.Components] {
		if table > 7 || f.tables&(1<<table) == 0 {
			return true
		}
	}
	return false
}

// hasOddSampling reports whether the components are sampled in a way that the standard
// library does not take, or miscounts: it takes chroma of the same factors that divide
// luma's, luma of 1, 2 or 4 blocks across and 1 or 2 down. Where the components are no
// YCbCr it repeats samples between which libjpeg interpolates. In a scan of one component
// it counts blocks right where that has all samples or a single block of the unit, and
// restart intervals where the unit is a single block.
func (f *Frame) hasOddSampling() bool {
	h, v := f.across, f.Down
	if h[1] != h[2] || v[1] != v[2] || h[1] == 0 || v[1] == 0 {
		return true
	}
	sampling := [2]int64{h[0] / h[1], v[0] / v[1]}
	if h[0]%h[1] != 0 || v[0]%v[1] != 0 || !slices.Contains([][2]int64{{1, 1}, {1, 2}, {2, 1}, {2, 2}, {4, 1}, {4, 2}}, sampling) {
		return true
	}
	whole := h[0] == 1 && v[0] == 1
	if !whole && (f.Components == 4 || f.isRGB()) || f.Components == 4 && (h[3] != 1 || v[3] != 1) {
		return true
	}
	return !whole && f.restart && f.single || f.single && (h[1] > 1 || v[1] > 1)
}
