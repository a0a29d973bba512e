package strokes

import "math"

// How a path becomes parts, in a drawing's units and radians.
const (
	smoothStep  = 1.0 // between points while it is smoothed
	cornerReach = 6   // points on both sides that a corner is seen by
	cornerTurn  = 1.0 // 57°: what turns more is a corner
	leastPart   = 7.0 // shorter parts are not cut off
	flatness    = 0.3 // how far a point may lie off a straight line that stands for it
	longestStep = 5.0 // between points of a part: so that it can be bent
)

// Parts smooths a drawing's strokes, as hands shake and pixels have steps, and parts them
// at sharp corners: people draw an L in one stroke or in two, and a part means the same
// in both. Points lie as densely as the parts are curved. Dots are parts of one point.
func Parts(d Drawing) Drawing {
	var out Drawing
	for _, s := range d.Strokes {
		for _, part := range cut(smoothed(s)) {
			out.Strokes = append(out.Strokes, simplified(part))
		}
	}
	return out
}

// smoothed has points at equal steps, each the mean of what lies around it. Its ends
// stay.
func smoothed(s Stroke) Stroke {
	length := s.length()
	if length < smoothStep {
		return Stroke{s[len(s)/2]}
	}
	out := s.resampled(2 + int(length/smoothStep))
	for range 3 {
		before := out[0]
		for i := 1; i < len(out)-1; i++ {
			mean := before.between(out[i+1], 0.5).between(out[i], 0.5)
			before, out[i] = out[i], mean
		}
	}
	return out
}

// cut parts a smoothed path at its corners.
func cut(s Stroke) []Stroke {
	var parts []Stroke
	for begin := 0; ; {
		corner := nextCorner(s, begin)
		if corner < 0 {
			return append(parts, s[begin:])
		}
		parts = append(parts, s[begin:corner+1])
		begin = corner
	}
}

// nextCorner is the index of the sharpest point of the next corner, -1 where none is far
// enough from both ends.
func nextCorner(s Stroke, begin int) int {
	const far = int(leastPart / smoothStep)
	best, sharpest := -1, cornerTurn
	for i := begin + far; i < len(s)-far; i++ {
		turn := turnAt(s, i)
		if turn > sharpest {
			best, sharpest = i, turn
		} else if best >= 0 && i > best+cornerReach {
			break
		}
	}
	return best
}

// turnAt is by how much the path turns at a point, 0 to π.
func turnAt(s Stroke, i int) float64 {
	a, b, c := s[max(i-cornerReach, 0)], s[i], s[min(i+cornerReach, len(s)-1)]
	return math.Abs(math.Remainder(math.Atan2(c.Y-b.Y, c.X-b.X)-math.Atan2(b.Y-a.Y, b.X-a.X), 2*math.Pi))
}

// simplified drops points that lie on a line with others, but keeps enough of them that
// none are far apart.
func simplified(s Stroke) Stroke {
	if len(s) < 3 {
		return s
	}
	out := straightened(s, Stroke{s[0]})
	for i := 1; i < len(out); i++ {
		pieces := int(math.Ceil(out[i-1].distance(out[i]) / longestStep))
		var between Stroke
		for k := 1; k < pieces; k++ {
			between = append(between, out[i-1].between(out[i], float64(k)/float64(pieces)))
		}
		out = append(out[:i], append(between, out[i:]...)...)
		i += len(between)
	}
	return out
}

// straightened appends what is left of a path by the method of Ramer, Douglas and
// Peucker, without its first point.
func straightened(s, out Stroke) Stroke {
	a, b := s[0], s[len(s)-1]
	chord := a.distance(b)
	far, at := 0., 0
	for i := 1; i < len(s)-1; i++ {
		off := a.distance(s[i])
		if chord > 0 {
			off = math.Abs((b.X-a.X)*(s[i].Y-a.Y)-(b.Y-a.Y)*(s[i].X-a.X)) / chord
		}
		if off > far {
			far, at = off, i
		}
	}
	if far <= flatness {
		return append(out, b)
	}
	return straightened(s[at:], straightened(s[:at+1], out))
}
