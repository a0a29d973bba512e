package strokes

// touching is how far an end lies from points of another part at most that it touches:
// half of a pen's width and half of the longest step between points.
const touching = 5.0

// following moves parts along with one that they touch, from where it was to where it
// is now. A part follows as a whole, but where its other end is held by a further part
// it is drawn out.
func following(parts []Stroke, was, now Stroke) []Stroke {
	out := make([]Stroke, len(parts))
	for i, s := range parts {
		x0, y0, first := pull(s[0], was, now)
		x1, y1, last := pull(s[len(s)-1], was, now)
		switch {
		case !first && !last:
			out[i] = s
			continue
		case !first && !isHeld(parts, i, s[0]):
			x0, y0 = x1, y1
		case !last && !isHeld(parts, i, s[len(s)-1]):
			x1, y1 = x0, y0
		}
		out[i] = drawnOut(s, x0, y0, x1, y1)
	}
	return out
}

// pull is how far an end moves with the part that it touches.
func pull(end Point, was, now Stroke) (x, y float64, touches bool) {
	nearest, share, walked := touching, 0., 0.
	for i, p := range was {
		if i > 0 {
			walked += was[i-1].distance(p)
		}
		if far := end.distance(p); far < nearest {
			nearest, share, touches = far, walked, true
		}
	}
	if !touches {
		return 0, 0, false
	}
	share /= max(was.length(), 1e-9)
	from, to := was.at(share), now.at(share)
	return to.X - from.X, to.Y - from.Y, true
}

// isHeld reports whether an end of a part touches another one of them.
func isHeld(parts []Stroke, of int, end Point) bool {
	for i, s := range parts {
		for _, p := range s {
			if i != of && end.distance(p) < touching {
				return true
			}
		}
	}
	return false
}

// drawnOut moves the ends of a path, and what is between them by what is between.
func drawnOut(s Stroke, x0, y0, x1, y1 float64) Stroke {
	length, walked := max(s.length(), 1e-9), 0.
	out := make(Stroke, len(s))
	for i, p := range s {
		if i > 0 {
			walked += s[i-1].distance(p)
		}
		share := walked / length
		out[i] = p.plus(x0+share*(x1-x0), y0+share*(y1-y0))
	}
	return out
}
