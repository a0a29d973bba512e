package sample

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
)

// DefaultHardShare holds where HardShare of a configuration is zero.
const DefaultHardShare = 0.5

// maxHardShare leaves some classes to chance: a batch of those alone that look alike
// teaches from ambiguous drawings and outliers.
const maxHardShare = 0.9

// Miner is a Sampler that draws things together that look alike.
type Miner interface {
	Sampler
	// Peers draws classes by chance, at most that number, by index and in sets: only those of
	// one set count as looking alike.
	Peers(random *rand.Rand, most int) [][]int
	// SetNeighbors gives for some classes, by index, those that look like it, the
	// nearest first. It takes the place of what was given before, for these classes or for
	// all, and is part of State.
	SetNeighbors(near map[int][]int)
}

func hardShareOr(share float64) float64 {
	if share == 0 {
		return DefaultHardShare
	}
	return share
}

func checkHardShare(share float64) error {
	if !(share >= 0 && share <= maxHardShare) { // NaN too
		return fmt.Errorf("sample: HardShare is %v, expected 0 (the default) to %v", share, maxHardShare)
	}
	return nil
}

// Peers implements Miner: any thing may look like any other.
func (s *levels) Peers(random *rand.Rand, most int) [][]int {
	drawn := random.Perm(len(s.classes))
	return [][]int{drawn[:min(len(drawn), most)]}
}

// Peers implements Miner: whole alphabets by chance, as far as they go, each turned and
// mirrored alike with OnePose.
func (s *allPairs) Peers(random *rand.Rand, most int) [][]int {
	number := map[group]int{}
	var sets [][]int
	for class := range s.classes {
		at, known := number[s.group(class)]
		if !known {
			at = len(sets)
			number[s.group(class)] = at
			sets = append(sets, nil)
		}
		sets[at] = append(sets[at], class)
	}
	random.Shuffle(len(sets), func(i, j int) { sets[i], sets[j] = sets[j], sets[i] })
	var taken [][]int
	for _, set := range sets {
		random.Shuffle(len(set), func(i, j int) { set[i], set[j] = set[j], set[i] })
		set = set[:min(len(set), most)]
		if most -= len(set); len(set) > 1 {
			taken = append(taken, set)
		}
	}
	return taken
}

// SetNeighbors implements Miner. Classes that are not given keep what they have: what
// looks alike changes slowly, and not all are looked at each time. Classes of another
// alphabet, or with OnePose of another pose, are passed over.
func (s *allPairs) SetNeighbors(near map[int][]int) {
	if s.near == nil {
		s.near = make(map[int][]int, len(near))
	}
	for class, others := range near {
		kept := slices.DeleteFunc(slices.Clone(others), func(other int) bool { return other == class || s.group(other) != s.group(class) })
		s.near[class] = kept
	}
	s.nearState = nil
}

// drawsStateBytes is the length of what draws.State gives.
const drawsStateBytes = 20

// State returns where the sampler stands: the stream's state and, where any are known,
// the neighbours as JSON. Each batch has one, so that the latter is made once.
func (s *allPairs) State() ([]byte, error) {
	stream, err := s.draws.State()
	if err != nil || len(s.near) == 0 {
		return stream, err
	}
	if s.nearState == nil {
		if s.nearState, err = json.Marshal(s.near); err != nil {
			return nil, err
		}
	}
	return slices.Concat(stream, s.nearState), nil
}

// Restore sets the sampler to where State was called.
func (s *allPairs) Restore(state []byte) error {
	stream, rest := state[:min(len(state), drawsStateBytes)], state[min(len(state), drawsStateBytes):]
	var near map[int][]int
	if len(rest) > 0 {
		if err := json.Unmarshal(rest, &near); err != nil {
			return fmt.Errorf("sample: received a state of %d bytes, expected what State gives: %w", len(state), err)
		}
	}
	if err := checkNeighbors(near, len(s.classes)); err != nil {
		return err
	}
	if err := s.draws.Restore(stream); err != nil {
		return err
	}
	s.near, s.nearState = near, nil
	return nil
}

// checkNeighbors reports a class that is not there.
func checkNeighbors(near map[int][]int, classes int) error {
	for class, others := range near {
		for _, other := range append([]int{class}, others...) {
			if other < 0 || other >= classes {
				return fmt.Errorf("sample: the state names class %d of %d: it is of other data", other, classes)
			}
		}
	}
	return nil
}

// mined draws the classes of a group: by chance, and HardShare of them because they look
// like the one that chance drew last.
type mined struct {
	sampler *allPairs
	left    []int // in random order
	near    []int // that look like the last one by chance, the nearest first
	count   int   // drawn so far
	hard    int   // of these: for their looks
}

func (s *allPairs) mine(classes []int) *mined { return &mined{sampler: s, left: classes} }

// drawn notes a class that chance drew.
func (m *mined) drawn(class int) {
	m.count++
	m.near = slices.Clone(m.sampler.near[class])
}

// next draws a class of those left, of which there must be some.
func (m *mined) next() int {
	m.near = slices.DeleteFunc(m.near, func(class int) bool { return !slices.Contains(m.left, class) })
	if len(m.near) == 0 || float64(m.hard) >= m.sampler.hardShare*float64(m.count) {
		class := m.left[0]
		m.left = m.left[1:]
		m.drawn(class)
		return class
	}
	// The nearer the likelier, but not always the nearest: what was found on one drawing
	// of each class is as good as that drawing.
	class := m.near[min(m.sampler.IntN(len(m.near)), m.sampler.IntN(len(m.near)))]
	m.left = slices.DeleteFunc(m.left, func(other int) bool { return other == class })
	m.count++
	m.hard++
	return class
}
