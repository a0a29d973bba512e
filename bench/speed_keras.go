package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// How much is compared with Keras, and the bars.
const (
	kerasPairs        = 8
	kerasRounds       = 7
	kerasDistinctBar  = 1.35
	kerasReferenceBar = 2.7

	// kerasTolerance is how far similarities may be apart: float32 sums in another
	// order (tests hold goldens to the same).
	kerasTolerance = 1e-4
)

// kerasRates are pairs in a second, index i of all right after each other.
type kerasRates struct {
	keras, distinct, reference []float64
}

// kerasRows hold Compare, and frames against a fixed reference, against Keras'
// predict: the same pairs, one after the other. Keras is given prepared pictures,
// the server files.
func (s Speed) kerasRows(ctx context.Context, to target, drawings [][]byte) (_ []Row, err error) {
	if len(s.Keras) == 0 {
		return nil, nil
	}
	s.say("starting Keras")
	reference, frames := drawings[0], drawings[1:kerasPairs+1]
	pixels, err := s.prepareEach(reference, frames)
	if err != nil {
		return nil, err
	}
	peer, err := startKeras(ctx, s.Keras, pixels)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, peer.stop()) }()
	stream, err := to.openStream(ctx, reference, 1)
	if err != nil {
		return nil, err
	}
	defer stream.close()
	s.say("Compare and a stream's frames, in turn with Keras' predict")
	var rates kerasRates
	for round := range kerasRounds + 1 {
		once, err := kerasRound(ctx, peer, to, stream, reference, frames)
		if err != nil {
			return nil, err
		}
		if round > 0 { // the first warms up
			rates.add(once)
		}
	}
	return rates.rows(), nil
}

// prepareEach gives the pairs of the reference and each frame, uint8 [2n,H,W,3].
func (s Speed) prepareEach(reference []byte, frames [][]byte) ([]byte, error) {
	var pixels []byte
	for _, frame := range frames {
		for _, file := range [][]byte{reference, frame} {
			image, err := s.Prepare(file)
			if err != nil {
				return nil, err
			}
			pixels = append(pixels, image...)
		}
	}
	return pixels, nil
}

// kerasRound has each side score all pairs once. Keras' similarities must be
// ours: else the two do not do the same work.
func kerasRound(ctx context.Context, peer *kerasProcess, to target, stream *stream, reference []byte, frames [][]byte) (kerasRates, error) {
	seconds, similarities, err := peer.predict(len(frames))
	if err != nil {
		return kerasRates{}, err
	}
	pairs := float64(len(frames))
	rates := kerasRates{keras: []float64{pairs / seconds}}
	for _, side := range []struct {
		into  *[]float64
		score func(context.Context, []byte) (float32, error)
	}{
		{&rates.distinct, func(ctx context.Context, frame []byte) (float32, error) { return to.compare(ctx, reference, frame) }},
		{&rates.reference, stream.score},
	} {
		seconds, err := timed(func() error {
			for i, frame := range frames {
				similarity, err := side.score(ctx, frame)
				if err != nil {
					return err
				}
				if !(math.Abs(float64(similarity)-similarities[i]) <= kerasTolerance) {
					return fmt.Errorf("pair %d: keras says %v, the server %v: the networks are not the same", i, similarities[i], similarity)
				}
			}
			return nil
		})
		if err != nil {
			return kerasRates{}, err
		}
		*side.into = []float64{pairs / seconds}
	}
	return rates, nil
}

// predict has Keras tell the similarity of each pair, and gives the seconds that
// all took.
func (k *kerasProcess) predict(pairs int) (seconds float64, similarities []float64, err error) {
	line, err := k.ask("predict")
	if err != nil {
		return 0, nil, err
	}
	for _, word := range strings.Fields(line) {
		number, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return 0, nil, fmt.Errorf("keras said %q, want numbers", line)
		}
		similarities = append(similarities, number)
	}
	if len(similarities) != pairs+1 || !(similarities[0] > 0) {
		return 0, nil, fmt.Errorf("keras said %q, want the seconds and the similarities of %d pairs", line, pairs)
	}
	return similarities[0], similarities[1:], nil
}

func (r *kerasRates) add(once kerasRates) {
	r.keras = append(r.keras, once.keras...)
	r.distinct = append(r.distinct, once.distinct...)
	r.reference = append(r.reference, once.reference...)
}

func (r kerasRates) rows() []Row {
	return []Row{
		figure("Keras' predict, a pair at a time", middleOf(r.keras), "pairs/s"),
		figure("Compare of the same pairs, one after the other", middleOf(r.distinct), "pairs/s"),
		atLeast("Compare to Keras' predict", middleRatio(r.distinct, r.keras), "×", kerasDistinctBar),
		figure("frames of the same pairs, one after the other", middleOf(r.reference), "pairs/s"),
		atLeast("frames against a fixed reference to Keras' predict", middleRatio(r.reference, r.keras), "×", kerasReferenceBar),
	}
}
