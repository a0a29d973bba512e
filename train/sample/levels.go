package sample

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"siamese/train/dataset"
)

// The values that hold where a field of LevelsConfig is zero.
const (
	DefaultKindThings = 3
	DefaultCopies     = 0.5
)

// LevelsConfig says what a batch of NewLevels holds.
type LevelsConfig struct {
	Images     int     // images of a batch, 2·PerThing to 4096; 0 = DefaultImages
	PerThing   int     // images of a thing in a batch, 2 or more; 0 = 2
	KindThings int     // things of a kind in a batch, where it has as many; 0 = DefaultKindThings
	Copies     float64 // probability that a further image of a thing is the first one again, to be edited, 0 to 1; 0 = DefaultCopies, below 0 = only where a thing has no other
	Seed       uint64

	// Domains are the shares of a batch that domains have, by name, each above 0; they
	// need not sum to 1. A domain that is not named has the share 1; nil: all alike.
	Domains map[string]float64
	// Forbidden are the classes that are never told apart; nil: none.
	Forbidden *dataset.Forbidden

	// HardShare is the share of a kind's places in a batch that go to things which look
	// like the first one, of whatever kind, once SetNeighbors has told them: 0 to 0.9; 0 =
	// DefaultHardShare.
	HardShare float64
}

// withDefaults fills in the zero fields.
func (c LevelsConfig) withDefaults() LevelsConfig {
	if c.Images == 0 {
		c.Images = DefaultImages
	}
	if c.PerThing == 0 {
		c.PerThing = 2
	}
	if c.KindThings == 0 {
		c.KindThings = DefaultKindThings
	}
	if c.Copies == 0 {
		c.Copies = DefaultCopies
	}
	c.HardShare = hardShareOr(c.HardShare)
	return c
}

// Validate reports the first field that is out of range.
func (c LevelsConfig) Validate() error {
	c = c.withDefaults()
	if c.PerThing < 2 {
		return fmt.Errorf("sample: PerThing is %d, expected 0 (2) or at least 2", c.PerThing)
	}
	if c.Images/2 < c.PerThing || c.Images > maxImages {
		return fmt.Errorf("sample: Images is %d, expected at least twice PerThing, which is %d, and at most %d", c.Images, c.PerThing, maxImages)
	}
	if c.KindThings < 1 {
		return fmt.Errorf("sample: KindThings is %d, expected 0 (the default) or more", c.KindThings)
	}
	if !(c.Copies <= 1) {
		return fmt.Errorf("sample: Copies is %v, expected at most 1", c.Copies)
	}
	if err := checkHardShare(c.HardShare); err != nil {
		return err
	}
	for name, share := range c.Domains {
		if !(share > 0) || math.IsInf(share, 0) {
			return fmt.Errorf("sample: the share of domain %q is %v, expected above 0", name, share)
		}
	}
	return nil
}

// levels draws batches of things beside others of their kind.
type levels struct {
	draws
	pool
	config    LevelsConfig
	domains   []levelsDomain
	kinds     []int32 // of each class: the number of its kind
	ambiguity *dataset.Ambiguity
	near      map[int][]int // of some classes: those that look like it, the nearest first
}

// levelsDomain is a part of the data with a share of each batch.
type levelsDomain struct {
	share float64 // of all domains, summing to 1
	kinds [][]int // the classes of each kind
}

// NewLevels returns a sampler for data of two levels, kinds of things. A batch takes
// things of several kinds, KindThings of each where there are as many, and PerThing
// images of each thing; domains have their shares of it. Kinds are drawn alike, however
// many things they have. Where a thing has no further image, or by Copies, an image
// comes again, to be edited differently: a batch may hold an image twice.
//
// All images are paired but for those of classes that must not be told apart; Kinds says
// which pairs are of one kind. Classes without a kind are kinds of their own.
//
// It fails with what Validate reports, where the dataset has no pairs, and where a
// domain is named that is not there.
func NewLevels(d *dataset.Dataset, config LevelsConfig) (Sampler, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	p, err := newPool(d)
	if err != nil {
		return nil, err
	}
	s := &levels{draws: newDraws(config.Seed), pool: p, config: config.withDefaults()}
	s.ambiguity = config.Forbidden.Of(p.classes)
	return s, s.group()
}

// group sorts the classes by domain and kind.
func (s *levels) group() error {
	type kind struct{ domain, name string }
	numbers := map[kind]int32{}
	byDomain := map[string]map[int32][]int{}
	for i, class := range s.classes {
		of := kind{class.Domain, class.Alphabet}
		if class.Alphabet == "" {
			of.name = class.Name
		}
		number, known := numbers[of]
		if !known {
			number = int32(len(numbers))
			numbers[of] = number
		}
		s.kinds = append(s.kinds, number)
		if byDomain[class.Domain] == nil {
			byDomain[class.Domain] = map[int32][]int{}
		}
		byDomain[class.Domain][number] = append(byDomain[class.Domain][number], i)
	}
	for name := range s.config.Domains {
		if byDomain[name] == nil {
			return fmt.Errorf("sample: %w: a share is given for domain %q, expected one of %q", dataset.ErrUnknownName, name, slices.Sorted(maps.Keys(byDomain)))
		}
	}
	total := 0.0
	for _, name := range slices.Sorted(maps.Keys(byDomain)) {
		share, given := s.config.Domains[name]
		if !given {
			share = 1
		}
		total += share
		domain := levelsDomain{share: share}
		for _, number := range slices.Sorted(maps.Keys(byDomain[name])) {
			domain.kinds = append(domain.kinds, byDomain[name][number])
		}
		s.domains = append(s.domains, domain)
	}
	for i := range s.domains {
		s.domains[i].share /= total
	}
	return nil
}

// SetNeighbors implements Miner. Classes that must not be told apart are passed over.
func (s *levels) SetNeighbors(near map[int][]int) {
	s.near = make(map[int][]int, len(near)) // what was known before is forgotten
	for class, others := range near {
		for _, other := range others {
			if other != class && !s.ambiguity.Together(class, other) {
				s.near[class] = append(s.near[class], other)
			}
		}
	}
}

// levelsState is what State gives.
type levelsState struct {
	Draws []byte        `json:"draws"`
	Near  map[int][]int `json:"near,omitempty"`
}

// State returns where the sampler stands.
func (s *levels) State() ([]byte, error) {
	stream, err := s.draws.State()
	if err != nil {
		return nil, err
	}
	return json.Marshal(levelsState{Draws: stream, Near: s.near})
}

// Restore sets the sampler to where State was called.
func (s *levels) Restore(state []byte) error {
	var found levelsState
	if err := json.Unmarshal(state, &found); err != nil {
		return fmt.Errorf("sample: received a state of %d bytes, expected what State gives: %w", len(state), err)
	}
	if err := checkNeighbors(found.Near, len(s.classes)); err != nil {
		return err
	}
	if err := s.draws.Restore(found.Draws); err != nil {
		return err
	}
	s.near = found.Near
	return nil
}

// Next draws a batch of at most Images images.
func (s *levels) Next() Batch {
	var batch Batch
	taken := map[int]bool{}
	for number, domain := range s.domains {
		images := int(math.Round(domain.share * float64(s.config.Images)))
		if number == len(s.domains)-1 {
			images = s.config.Images - len(batch.Images)
		}
		s.addDomain(&batch, domain, images, taken)
	}
	for a := range batch.Images {
		for b := a + 1; b < len(batch.Images); b++ {
			s.pair(&batch, int32(a), int32(b))
		}
	}
	return batch
}

// addDomain adds things of a domain until it has its images, as far as there are any.
func (s *levels) addDomain(batch *Batch, domain levelsDomain, images int, taken map[int]bool) {
	end := len(batch.Images) + images
	for _, number := range s.Perm(len(domain.kinds)) {
		for _, class := range s.things(domain.kinds[number]) {
			if len(batch.Images)+2 > end {
				return
			}
			if !taken[class] {
				taken[class] = true
				s.addThing(batch, class, min(s.config.PerThing, end-len(batch.Images)))
			}
		}
	}
}

// things draws which things of a kind come: one by chance and, where it is known, some
// that look like it; others by chance.
func (s *levels) things(kind []int) []int {
	drawn := s.distinct(len(kind), min(s.config.KindThings, len(kind)))
	for i, at := range drawn {
		drawn[i] = kind[at]
	}
	near := s.near[drawn[0]]
	if len(near) == 0 {
		return drawn
	}
	alike := max(1, int(s.config.HardShare*float64(s.config.KindThings)))
	chosen := drawn[:1:1]
	for _, at := range s.distinct(len(near), min(alike, len(near))) {
		chosen = append(chosen, near[at])
	}
	for _, class := range drawn[1:] {
		if len(chosen) < s.config.KindThings && !slices.Contains(chosen, class) {
			chosen = append(chosen, class)
		}
	}
	return chosen
}

// addThing adds images of a class.
func (s *levels) addThing(batch *Batch, class, count int) {
	order := s.distinct(s.size(class), min(count, s.size(class)))
	for i := range count {
		image := order[i%len(order)]
		if i > 0 && (i >= len(order) || chanceOf(s.draws, s.config.Copies)) {
			image = order[0]
		}
		batch.Images = append(batch.Images, s.classes[class].Images[image])
		batch.Labels = append(batch.Labels, int32(class))
		batch.Kinds = append(batch.Kinds, s.kinds[class])
	}
}

// chanceOf reports whether an event of the given probability happens.
func chanceOf(d draws, probability float64) bool {
	return d.Float64() < probability
}

// pair adds a pair, or notes that it must not count.
func (s *levels) pair(batch *Batch, a, b int32) {
	first, second := batch.Labels[a], batch.Labels[b]
	if first != second && s.ambiguity.Together(int(first), int(second)) {
		batch.Unknown = append(batch.Unknown, [2]int32{a, b})
		return
	}
	batch.A, batch.B = append(batch.A, a), append(batch.B, b)
	batch.Same = append(batch.Same, first == second)
}
