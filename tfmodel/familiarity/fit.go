package familiarity

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// Picture is one of which a statistic is made.
type Picture struct {
	// Pixels is uint8 [height,width,3] RGB, as the network takes it.
	Pixels []byte
	// Embedding is what the encoder makes of it; nil for an edited copy, which counts
	// for the look alone.
	Embedding []float32
}

// Config says how a statistic is made.
type Config struct {
	Width, Height int    // of the pictures, in pixels
	Positions     int    // see Statistic
	Seed          uint64 // of the foreign pictures that are drawn
}

// Constants of the fit.
const (
	// maxDirections bounds the space of embeddings: more told no better on classes
	// kept apart.
	maxDirections = 64
	// lookRidge is added to each look's variance.
	lookRidge = 1e-5
	// foreignCount is how many foreign pictures are drawn.
	foreignCount = 1600
	// againstPenalty is that of squared weights, of standardized looks.
	againstPenalty = 1e-4
	// MinPictures is how many pictures with an embedding are needed of each kind.
	MinPictures = 50
)

// ErrTooFew says that there are not enough pictures to make a statistic of.
var ErrTooFew = errors.New("familiarity: too few pictures")

// Fit makes a statistic of known pictures. The quantiles are those of apart, which
// should be of classes that the model was not trained on: on those that it was,
// everything is more familiar. Both may have edited copies too. The slices stay the
// caller's. Errors: ErrTooFew.
func Fit(known, apart []Picture, config Config) (*Statistic, error) {
	for i, pictures := range [][]Picture{known, apart} {
		if n := countEncoded(pictures); n < MinPictures {
			return nil, fmt.Errorf("%w: received %d pictures %s, expected at least %d", ErrTooFew, n, []string{"known", "apart"}[i], MinPictures)
		}
	}
	s := &Statistic{Bound: Bound, Pictures: countEncoded(known) + countEncoded(apart), Positions: config.Positions}
	looks := looksOf(known, config)
	if err := s.fitLook(looks); err != nil {
		return nil, err
	}
	foreign, err := Foreign(foreignCount, config.Width, config.Height, config.Seed)
	if err != nil {
		return nil, err
	}
	var strange [][]float32
	for _, pixels := range foreign {
		strange = append(strange, look(pixels, config.Width, config.Height))
	}
	if err := s.fitAgainst(looks, strange); err != nil {
		return nil, err
	}
	if err := s.fitEmbedding(known); err != nil {
		return nil, err
	}
	s.fitQuantiles(apart, config)
	return s, s.Validate(len(s.EmbeddingMean) * s.Positions)
}

func countEncoded(pictures []Picture) int {
	n := 0
	for _, p := range pictures {
		if p.Embedding != nil {
			n++
		}
	}
	return n
}

func looksOf(pictures []Picture, config Config) [][]float32 {
	looks := make([][]float32, len(pictures))
	for i, p := range pictures {
		looks[i] = look(p.Pixels, config.Width, config.Height)
	}
	return looks
}

// matrix has the rows as its own.
func matrix(rows [][]float32) *mat.Dense {
	m := mat.NewDense(len(rows), len(rows[0]), nil)
	for i, row := range rows {
		for j, v := range row {
			m.Set(i, j, float64(v))
		}
	}
	return m
}

// means are the columns' means.
func means(m *mat.Dense) []float64 {
	rows, columns := m.Dims()
	all := make([]float64, columns)
	for j := range columns {
		for i := range rows {
			all[j] += m.At(i, j) / float64(rows)
		}
	}
	return all
}

func (s *Statistic) fitLook(looks [][]float32) error {
	m := matrix(looks)
	var covariance mat.SymDense
	stat.CovarianceMatrix(&covariance, m, nil)
	for i := range lookLength {
		covariance.SetSym(i, i, covariance.At(i, i)+lookRidge)
	}
	var cholesky mat.Cholesky
	if !cholesky.Factorize(&covariance) {
		return errors.New("familiarity: looks have no covariance that can be inverted")
	}
	var lower, inverse mat.TriDense
	cholesky.LTo(&lower)
	if err := inverse.InverseTri(&lower); err != nil {
		return fmt.Errorf("familiarity: looks: %w", err)
	}
	for i := range lookLength {
		for j := range i + 1 {
			s.LookScale = append(s.LookScale, float32(inverse.At(i, j)))
		}
	}
	s.LookMean = narrowed(means(m))
	return nil
}

// fitAgainst is a logistic regression with a penalty of squared weights, both kinds
// counting alike, by Newton's method.
func (s *Statistic) fitAgainst(known, strange [][]float32) error {
	m := matrix(slices.Concat(known, strange))
	mean, deviation := means(m), make([]float64, lookLength)
	rows, _ := m.Dims()
	for j := range lookLength {
		deviation[j] = math.Sqrt(stat.MomentAbout(2, mat.Col(nil, j, m), mean[j], nil)) + 1e-3
	}
	design := mat.NewDense(rows, lookLength+1, nil)
	for i := range rows {
		for j := range lookLength {
			design.Set(i, j, (m.At(i, j)-mean[j])/deviation[j])
		}
		design.Set(i, lookLength, 1)
	}
	weights := mat.NewVecDense(lookLength+1, nil)
	for range 30 {
		step, err := newtonStep(design, weights, len(known))
		if err != nil {
			return err
		}
		weights.SubVec(weights, step)
		if mat.Norm(step, 2) < 1e-6 {
			break
		}
	}
	constant := weights.AtVec(lookLength)
	for j := range lookLength {
		w := weights.AtVec(j) / deviation[j]
		s.Against = append(s.Against, float32(w))
		constant -= w * mean[j]
	}
	s.Against = append(s.Against, float32(constant))
	return nil
}

// newtonStep is the step of logistic regression; the first rows are known.
func newtonStep(design *mat.Dense, weights *mat.VecDense, known int) (*mat.VecDense, error) {
	rows, columns := design.Dims()
	var logits mat.VecDense
	logits.MulVec(design, weights)
	gradient := mat.NewVecDense(columns, nil)
	scaled := mat.NewDense(rows, columns, nil)
	for i := range rows {
		label, share := 0.0, 0.5/float64(rows-known)
		if i < known {
			label, share = 1, 0.5/float64(known)
		}
		p := 1 / (1 + math.Exp(-logits.AtVec(i)))
		gradient.AddScaledVec(gradient, share*(p-label), design.RowView(i))
		root := math.Sqrt(share * p * (1 - p))
		for j := range columns {
			scaled.Set(i, j, root*design.At(i, j))
		}
	}
	var hessian mat.SymDense
	hessian.SymOuterK(1, scaled.T())
	for j := range columns - 1 { // the constant is free
		gradient.SetVec(j, gradient.AtVec(j)+againstPenalty*weights.AtVec(j))
		hessian.SetSym(j, j, hessian.At(j, j)+againstPenalty)
	}
	hessian.SetSym(columns-1, columns-1, hessian.At(columns-1, columns-1)+1e-9)
	var cholesky mat.Cholesky
	if !cholesky.Factorize(&hessian) {
		return nil, errors.New("familiarity: known and foreign pictures can't be told apart: their looks are not finite")
	}
	step := mat.NewVecDense(columns, nil)
	return step, cholesky.SolveVecTo(step, gradient)
}

// fitEmbedding keeps the directions in which embeddings vary the most.
func (s *Statistic) fitEmbedding(known []Picture) error {
	var rows [][]float32
	for _, p := range known {
		if p.Embedding != nil {
			rows = append(rows, summary(p.Embedding, s.Positions))
		}
	}
	m := matrix(rows)
	s.EmbeddingMean = narrowed(means(m))
	var covariance mat.SymDense
	stat.CovarianceMatrix(&covariance, m, nil)
	var eigen mat.EigenSym
	if !eigen.Factorize(&covariance, true) {
		return errors.New("familiarity: embeddings have no directions: they are not finite")
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	channels := len(s.EmbeddingMean)
	for k := range min(maxDirections, channels/2, len(rows)/2) {
		s.Directions = append(s.Directions, narrowed(mat.Col(nil, channels-1-k, &vectors))...) // eigenvalues ascend
	}
	return nil
}

// fitQuantiles measures the scores of the pictures kept apart. Where there is no
// embedding, the look alone decides.
func (s *Statistic) fitQuantiles(apart []Picture, config Config) {
	var scores [4][]float64
	seen := looksOf(apart, config)
	for i, p := range apart {
		scores[byLook] = append(scores[byLook], s.lookScore(seen[i]))
		scores[byAgainst] = append(scores[byAgainst], s.againstScore(seen[i]))
		if p.Embedding != nil {
			scores[byEmbedding] = append(scores[byEmbedding], s.embeddingScore(p.Embedding))
		}
	}
	for by := range byLeast {
		s.Quantiles[by] = quantiles(scores[by])
	}
	for i, p := range apart {
		least := min(s.share(byLook, scores[byLook][i]), s.share(byAgainst, scores[byAgainst][i]))
		if p.Embedding != nil {
			least = min(least, s.OfEmbedding(p.Embedding))
		}
		scores[byLeast] = append(scores[byLeast], least)
	}
	s.Quantiles[byLeast] = quantiles(scores[byLeast])
}

// quantiles are the scores below which the shares of levels lie.
func quantiles(scores []float64) Floats {
	slices.Sort(scores)
	values := make(Floats, len(levels))
	for i, level := range levels {
		values[i] = float32(stat.Quantile(level, stat.LinInterp, scores, nil))
	}
	return values
}

func narrowed(values []float64) Floats {
	narrow := make(Floats, len(values))
	for i, v := range values {
		narrow[i] = float32(v)
	}
	return narrow
}
