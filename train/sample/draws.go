package sample

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// drawStream sets the random numbers of sampling apart from those that other
// parts of a run draw from the same seed.
const drawStream = 0x73616d706c65 // "sample"

// draws is a random stream that can be stored: rand.Rand keeps nothing of its
// own, so the generator's state is the whole state.
type draws struct {
	*rand.Rand
	generator *rand.PCG
}

func newDraws(seed uint64) draws {
	generator := rand.NewPCG(seed, drawStream)
	return draws{Rand: rand.New(generator), generator: generator}
}

// State tells where the stream stands.
func (d draws) State() ([]byte, error) {
	return d.generator.MarshalBinary()
}

// Restore sets the stream to where State was called.
func (d draws) Restore(state []byte) error {
	if err := d.generator.UnmarshalBinary(state); err != nil {
		return fmt.Errorf("sample: received a state of %d bytes, expected what State gives: %w", len(state), err)
	}
	return nil
}

// distinct draws k different numbers below n, in random order, by Floyd's method
// (Bentley, Floyd, "A sample of brilliance", CACM 30, 1987): a class of thousands
// of images is not shuffled for the few that are wanted.
func (d draws) distinct(n, k int) []int {
	drawn := make([]int, 0, k)
	for top := n - k; top < n; top++ {
		candidate := d.IntN(top + 1)
		if slices.Contains(drawn, candidate) {
			candidate = top
		}
		drawn = append(drawn, candidate)
	}
	d.Shuffle(k, func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	return drawn
}
