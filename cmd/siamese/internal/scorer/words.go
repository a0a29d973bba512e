package scorer

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode"

	"siamese"
	"siamese/client"
)

// Digits that are printed where they are enough.
const (
	similarityDigits   = 4
	thresholdDigits    = 2
	maxThresholdDigits = 4
	// allDigits tells any two float32 of 0 to 1 apart that are not below 1e-3.
	allDigits = 12
)

// Agree returns a similarity and a threshold as texts with as many digits as it takes
// for them to stand to each other as the verdict says.
func Agree(similarity, threshold float32, same bool) (s, t string) {
	first := thresholdDigits
	for first < maxThresholdDigits && float32(rounded(threshold, first)) != threshold {
		first++
	}
	for more := range allDigits {
		digits := first
		if more > 0 {
			digits = max(first, similarityDigits) + more
		}
		s = strconv.FormatFloat(float64(similarity), 'f', similarityDigits+more, 32)
		t = strconv.FormatFloat(float64(threshold), 'f', digits, 32)
		if (rounded(similarity, similarityDigits+more) >= rounded(threshold, digits)) == same {
			break
		}
	}
	return s, t
}

// rounded is a number as a reader has it who sees only some digits.
func rounded(value float32, digits int) float64 {
	read, _ := strconv.ParseFloat(strconv.FormatFloat(float64(value), 'f', digits, 32), 64)
	return read
}

// Count is a number of things for a person, by the words for one of them and for more.
func Count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + more
}

// Word is a verdict for a person.
func Word(same bool) string {
	if same {
		return "same"
	}
	return "different"
}

// Printable is a text on one line, without what a terminal would obey.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// told is a familiarity as a server tells it; nil where the model does not.
func told(familiarity siamese.Familiarity) *client.Familiarity {
	if math.IsNaN(float64(familiarity.Value)) {
		return nil
	}
	return &client.Familiarity{Value: familiarity.Value, Foreign: familiarity.Foreign}
}

// pairWarning is a sentence about two images, empty where the model knows both or does
// not tell.
func pairWarning(model string, a, b siamese.Familiarity) string {
	switch {
	case a.Foreign && b.Foreign:
		return sentence("Both images are", model, shown(a)+" and "+shown(b), a.Bound, ofOneScore)
	case a.Foreign:
		return sentence("The first image is", model, shown(a), a.Bound, ofOneScore)
	case b.Foreign:
		return sentence("The second image is", model, shown(b), b.Bound, ofOneScore)
	}
	return ""
}

// What a warning says of similarities.
const (
	ofOneScore = "the similarity means little"
	ofAll      = "similarities with it mean little"
)

// sentence is a warning as a server has it.
func sentence(who, model, familiarity string, bound float32, what string) string {
	return fmt.Sprintf("%s unlike the pictures that the model %s knows (familiarity %s, bound %v): %s.",
		who, model, familiarity, bound, what)
}

// shown is a familiarity for people.
func shown(familiarity siamese.Familiarity) string { return Familiarity(familiarity.Value) }

// Familiarity is a familiarity in thousandths, a smaller one in its first digit, each
// rounded down: what is below a bound does not look equal to it, and what is above 0
// not like 0.
func Familiarity(value float32) string {
	scale := 1000.0
	for value > 0 && float64(value)*scale < 1 && scale < 1e9 {
		scale *= 10
	}
	return strconv.FormatFloat(math.Floor(float64(value)*scale)/scale, 'f', -1, 64)
}

// Warn tells that a number means little, of which file where one is named; an empty
// warning has nothing to tell.
func Warn(out io.Writer, file, warning string) {
	if file != "" {
		file += ": "
	}
	if warning != "" {
		fmt.Fprintf(out, "warning: %s%s\n", file, Printable(warning))
	}
}

// Number is a number for a program, with all its digits.
func Number(value float32) string { return strconv.FormatFloat(float64(value), 'f', -1, 32) }

// FamiliarityNumber is Number of a familiarity; empty where the model tells none.
func FamiliarityNumber(familiarity *client.Familiarity) string {
	if familiarity == nil {
		return ""
	}
	return Number(familiarity.Value)
}

// ForeignWarning is a sentence about a query that is foreign to a model.
func ForeignWarning(model string, familiarity float32) string {
	return fmt.Sprintf("The picture is unlike those that the model %s knows (familiarity %s): %s.", model, Familiarity(familiarity), ofAll)
}
