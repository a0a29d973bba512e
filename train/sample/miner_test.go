package sample_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"siamese/train/dataset"
	"siamese/train/sample"
)

func newMiner(t *testing.T, d *dataset.Dataset, config sample.AllPairsConfig) sample.Miner {
	t.Helper()
	return newAllPairs(t, d, config).(sample.Miner)
}

// twins says of every class of scripts(alphabets, 20, …) that the one ten further on in
// its alphabet looks like it, and one of another alphabet, which must not count.
func twins(alphabets int) map[int][]int {
	near := map[int][]int{}
	for class := range 20 * alphabets {
		begin := class / 20 * 20
		near[class] = []int{(class + 20) % (20 * alphabets), begin + (class-begin+10)%20}
	}
	return near
}

// TestHardClassesComeTogether: twins meet about as often as the share says, within an
// alphabet alone, and by chance without it. A batch has 8 classes, 6 of one alphabet.
func TestHardClassesComeTogether(t *testing.T) {
	d := made(t, scripts(4, 20, 3)...)
	meetings := func(share float64, near map[int][]int) float64 {
		s := newMiner(t, d, sample.AllPairsConfig{Images: 16, PerClass: 2, HardShare: share, Seed: 1})
		s.SetNeighbors(near)
		const batches = 400
		met := 0
		for range batches {
			b := s.Next()
			check(t, d, b)
			labels := slices.Compact(slices.Clone(b.Labels))
			for _, a := range labels {
				if a%20 < 10 && slices.Contains(labels, a+10) {
					met++
				}
			}
		}
		return float64(met) / batches
	}
	// Of six classes of 20 by chance 6·5/2/19 pairs are twins; with half of them drawn for
	// their looks, three.
	none, half, quarter := meetings(0.5, nil), meetings(0.5, twins(4)), meetings(0.25, twins(4))
	if math.Abs(none-15.0/19) > 0.15 {
		t.Errorf("%.2f twins met a batch without neighbours, want about 0.79", none)
	}
	if math.Abs(half-3) > 0.15 || quarter < none+0.5 || quarter > half-0.5 {
		t.Errorf("%.2f twins met a batch at a share of 0.5 and %.2f at 0.25, want 3 and between that and chance", half, quarter)
	}
}

// TestPeersAreOfOneGroup: whole alphabets, those of one pose with OnePose, no more
// classes than asked for and none twice.
func TestPeersAreOfOneGroup(t *testing.T) {
	d, err := made(t, scripts(3, 5, 2)...).Variants(t.Context(), dataset.VariantsConfig{Rotations: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		onePose bool
		most    int
		want    []int // sizes, in any order
	}{
		{false, 1000, []int{20, 20, 20}},
		{true, 1000, slices.Repeat([]int{5}, 12)},
		{true, 12, []int{5, 5, 2}},
		{true, 6, []int{5}}, // a class alone has nothing to be like
	} {
		s := newMiner(t, d, sample.AllPairsConfig{OnePose: tt.onePose})
		sets := s.Peers(rand.New(rand.NewPCG(1, 1)), tt.most)
		var sizes []int
		classes := d.Classes()
		seen := map[int]bool{}
		for _, set := range sets {
			sizes = append(sizes, len(set))
			for _, class := range set {
				one, other := classes[class], classes[set[0]]
				if seen[class] || one.Alphabet != other.Alphabet || tt.onePose && one.Images[0].Turns != other.Images[0].Turns {
					t.Errorf("class %d is in a set with %d, or twice", class, set[0])
				}
				seen[class] = true
			}
		}
		slices.Sort(sizes)
		if want := slices.Sorted(slices.Values(tt.want)); !slices.Equal(sizes, want) {
			t.Errorf("one pose %t, at most %d: sets of %v, want %v", tt.onePose, tt.most, sizes, want)
		}
	}
}

// TestAllPairsGoOnFromState: with neighbours or without, those given last over those
// given first, a restored sampler draws what the other one draws.
func TestAllPairsGoOnFromState(t *testing.T) {
	d := made(t, scripts(3, 20, 3)...)
	for _, near := range []map[int][]int{nil, twins(3)} {
		s := newMiner(t, d, sample.AllPairsConfig{Seed: 9})
		s.Next()
		s.SetNeighbors(near)
		s.Next()
		s.SetNeighbors(map[int][]int{0: {3, 4}})
		state, err := s.State()
		if err != nil {
			t.Fatal(err)
		}
		restored := newAllPairs(t, d, sample.AllPairsConfig{Seed: 9})
		if err := restored.Restore(state); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if want, got := s.Next(), restored.Next(); !reflect.DeepEqual(got, want) {
				t.Fatalf("a restored sampler draws %v, want %v", got.Labels, want.Labels)
			}
		}
		other := strings.Replace(string(state), `[3,4]`, `[3,400]`, 1)
		for _, bad := range []string{"", string(state[:19]), string(state) + "x", other} {
			if restored.Restore([]byte(bad)) == nil {
				t.Errorf("Restore of %d bytes = nil, want an error", len(bad))
			}
		}
	}
}

func TestHardShareIsChecked(t *testing.T) {
	for _, share := range []float64{-0.1, 0.91, math.NaN()} {
		for name, err := range map[string]error{
			"allpairs": sample.AllPairsConfig{HardShare: share}.Validate(), "levels": sample.LevelsConfig{HardShare: share}.Validate(),
		} {
			if err == nil || !strings.Contains(err.Error(), "HardShare is") {
				t.Errorf("%s: Validate of %v = %v, want an error about HardShare", name, share, err)
			}
		}
	}
}
