package wire

import (
	"fmt"
	"math"
	"strconv"

	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/infer"
)

// Familiarity returns how familiar an image is to the model whose view it is, nil
// where the model does not tell.
func Familiarity(v *infer.View) *pb.Familiarity {
	value, isTold := v.Familiarity()
	if !isTold {
		return nil
	}
	return &pb.Familiarity{Value: value, Foreign: v.IsForeign()}
}

// Subject is the image that a warning is about, as people are told.
type Subject string

// The images of a call or message.
const (
	Query     Subject = "The query"
	Candidate Subject = "The candidate"
	Frame     Subject = "The frame"
	Reference Subject = "The reference"
	Image     Subject = "The image"
)

// What a warning says of the similarities.
const (
	ofOneScore = "the similarity means little"
	ofAll      = "similarities with it mean little"
)

// Warning returns a sentence for people where an image is foreign to the model whose
// view it is, so that no similarity means much; else it is empty.
func Warning(subject Subject, v *infer.View) string {
	value, isTold := v.Familiarity()
	if !isTold {
		return ""
	}
	return ForeignWarning(subject, v.Info(), value)
}

// IsForeign reports whether an image of this familiarity is foreign to a model. It is
// not where the model does not tell.
func IsForeign(model infer.ModelInfo, familiarity float32) bool {
	return model.Familiarity != nil && familiarity < model.Familiarity.Bound()
}

// ForeignWarning is [Warning] of an image whose familiarity to a model is known.
func ForeignWarning(subject Subject, model infer.ModelInfo, familiarity float32) string {
	if !IsForeign(model, familiarity) {
		return ""
	}
	return warning(string(subject)+" is", model, rounded(familiarity), ofAll)
}

// PairWarning is [Warning] of a score's two images together.
func PairWarning(score *infer.Score) string {
	a, b := score.A, score.B
	switch {
	case a.IsForeign() && b.IsForeign():
		return warning("Both images are", a.Info(), familiarityOf(a)+" and "+familiarityOf(b), ofOneScore)
	case a.IsForeign():
		return warning("The first image is", a.Info(), familiarityOf(a), ofOneScore)
	case b.IsForeign():
		return warning("The second image is", b.Info(), familiarityOf(b), ofOneScore)
	}
	return ""
}

// CandidateWarning is [Warning] of a candidate, or of the query where that is foreign
// to the model that has answered and the reply, which tells how familiar the query is
// to the model of told, does not say so.
func CandidateWarning(score *infer.Score, told *infer.View) string {
	query, candidate := score.A, score.B
	switch {
	case candidate.IsForeign():
		return warning(string(Candidate)+" is", candidate.Info(), familiarityOf(candidate), ofOneScore)
	case query.IsForeign() && query != told:
		return warning(string(Query)+" is", query.Info(), familiarityOf(query), ofOneScore)
	}
	return ""
}

// warning is the sentence that all of them are.
func warning(who string, model infer.ModelInfo, familiarity, what string) string {
	return fmt.Sprintf("%s unlike the pictures that the model %s knows (familiarity %s, bound %v): %s.",
		who, model.ServingName, familiarity, model.Familiarity.Bound(), what)
}

// familiarityOf is how familiar an image is, for people.
func familiarityOf(v *infer.View) string {
	value, _ := v.Familiarity()
	return rounded(value)
}

// rounded returns a familiarity in thousandths, a smaller one in its first digit, each
// rounded down: what is below a bound does not look equal to it, and what is above 0
// not like 0.
func rounded(value float32) string {
	scale := 1000.0
	for value > 0 && float64(value)*scale < 1 && scale < 1e9 {
		scale *= 10
	}
	return strconv.FormatFloat(math.Floor(float64(value)*scale)/scale, 'f', -1, 64)
}
