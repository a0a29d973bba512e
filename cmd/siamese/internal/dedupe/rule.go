package dedupe

import "math"

// rule says which pictures are near-doubles.
type rule struct {
	// threshold is the similarity from which pictures are, whatever their pixels say; nil:
	// match decides.
	threshold *float32
	match     float32
	foreign   bool // what the model says of foreign pictures counts
}

// defaultMatch is where 400 photographs with four attacked copies of each gave a precision
// of 0.99: docs/tutorials/doubles.md has the curve.
const defaultMatch = 0.9

// How the model's evidence is added to that of the pixels: a 50th of the similarity's
// logit, which goes from what says nothing to what is surer than any pair is.
const (
	logitWeight = 0.02
	leastLogit  = -2
	mostLogit   = 12
)

// verdict is what a pair is.
type verdict struct {
	similarity float32 // by the model
	match      float32 // of similarity and pixels; 0: nobody asked
	near       bool
}

// judge judges a pair. foreign reports whether the model does not know one of the
// pictures; overlap is how well their pixels agree, 0 to 1.
func (r rule) judge(similarity float32, foreign bool, overlap func() float32) verdict {
	foreign = foreign && !r.foreign
	v := verdict{similarity: similarity}
	if r.threshold != nil && !foreign {
		v.near = similarity >= *r.threshold
		return v
	}
	v.match = overlap()
	if !foreign {
		v.match += logitWeight * float32(min(max(logit(similarity), leastLogit), mostLogit))
	}
	v.match = min(max(v.match, 0), 1)
	v.near = v.match >= r.match
	return v
}

// logit is the inverse of the sigmoid; infinite at 0 and 1.
func logit(similarity float32) float64 {
	s := float64(similarity)
	return math.Log(s) - math.Log1p(-s)
}
