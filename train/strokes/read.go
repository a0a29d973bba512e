package strokes

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// What a file of strokes may hold. Omniglot's have at most 535 points, 14 kB and 29
// strokes, between -120 and 120.
const (
	maxFileBytes  = 1 << 20
	maxLineBytes  = 256
	maxPoints     = 20000
	maxStrokes    = 500
	maxCoordinate = 10 * Side
	maxLength     = 200 * Side // of all strokes together: memory and time go by it
	maxTime       = 1e8        // ms, a day
)

// ErrNoStrokes: a file of strokes holds none.
var ErrNoStrokes = errors.New("there are no strokes, expected START and then lines of x,y,ms")

// LineError is a line that no file of strokes has.
type LineError struct {
	Line int    // its number, from 1
	Text string // received; cut where it is long
	Want string
}

// Error says what stands in the line and what was expected.
func (e *LineError) Error() string {
	return fmt.Sprintf("line %d: received %q, expected %s", e.Line, e.Text, e.Want)
}

// Read reads a drawing as Omniglot's files have it: START, then a line "x,y,ms" for each
// point, y upwards and thus below 0, and BREAK where the pen was lifted. Errors:
// *LineError, ErrNoStrokes, one that says that the file is too large, and the reader's.
func Read(r io.Reader) (Drawing, error) {
	limited := &io.LimitedReader{R: r, N: maxFileBytes + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(nil, maxLineBytes)
	reading := reading{}
	for lines.Scan() {
		err := reading.line(strings.TrimSpace(lines.Text()))
		if limited.N == 0 { // the line may be cut
			return Drawing{}, fmt.Errorf("received more than %d bytes, expected at most as many", maxFileBytes)
		}
		if err != nil {
			return Drawing{}, err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return Drawing{}, &LineError{Line: reading.number + 1, Text: "…", Want: fmt.Sprintf("at most %d bytes", maxLineBytes)}
	}
	if lines.Err() != nil {
		return Drawing{}, lines.Err()
	}
	return reading.end()
}

// reading is a drawing of which some lines were read.
type reading struct {
	drawing Drawing
	stroke  Stroke // under way
	number  int    // of the last line
	points  int
	length  float64 // of all strokes
	began   bool
}

// line reads the next one.
func (r *reading) line(text string) error {
	r.number++
	switch {
	case text == "":
		return nil
	case !r.began && text != "START":
		return r.wrong(text, "START")
	case text == "START" && !r.began:
		r.began = true
		return nil
	case text == "BREAK":
		if len(r.stroke) == 0 {
			return r.wrong(text, "a point x,y,ms before it")
		}
		if len(r.drawing.Strokes) == maxStrokes {
			return r.wrong(text, fmt.Sprintf("at most %d strokes", maxStrokes))
		}
		r.drawing.Strokes = append(r.drawing.Strokes, r.stroke)
		r.stroke = nil
		return nil
	}
	return r.point(text)
}

// point reads "x,y,ms".
func (r *reading) point(text string) error {
	fields := strings.Split(text, ",")
	if len(fields) != 3 {
		return r.wrong(text, "x,y,ms or BREAK")
	}
	if r.points++; r.points > maxPoints {
		return r.wrong(text, fmt.Sprintf("at most %d points", maxPoints))
	}
	var numbers [3]float64
	for i, field := range fields {
		number, err := strconv.ParseFloat(field, 64)
		limit := float64(maxCoordinate)
		if i == 2 {
			limit = maxTime
		}
		// Written so that what is no number is refused too.
		if err != nil || !(math.Abs(number) <= limit) {
			return r.wrong(text, fmt.Sprintf("three numbers, places within ±%d and times within ±%g ms", maxCoordinate, maxTime))
		}
		numbers[i] = number
	}
	next := Point{X: numbers[0], Y: -numbers[1], T: numbers[2]}
	if len(r.stroke) > 0 {
		r.length += r.stroke[len(r.stroke)-1].distance(next)
	}
	if r.length > maxLength {
		return r.wrong(text, fmt.Sprintf("strokes of at most %d in all, on paper of %d by %d", maxLength, Side, Side))
	}
	r.stroke = append(r.stroke, next)
	return nil
}

// end gives the drawing. A last stroke without BREAK is one.
func (r *reading) end() (Drawing, error) {
	if len(r.stroke) > 0 {
		r.drawing.Strokes = append(r.drawing.Strokes, r.stroke)
	}
	if len(r.drawing.Strokes) == 0 {
		return Drawing{}, ErrNoStrokes
	}
	return r.drawing, nil
}

func (r *reading) wrong(text, want string) error {
	const shown = 40
	if len(text) > shown {
		text = text[:shown] + "…"
	}
	return &LineError{Line: r.number, Text: text, Want: want}
}
