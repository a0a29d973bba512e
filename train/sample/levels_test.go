package sample_test

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"siamese/train/dataset"
	"siamese/train/sample"
)

// levelsData has two domains: pictures of 6 kinds with 5 things of 1 to 3 images, and
// drawings of 3 kinds with 4 things of 4 images.
func levelsData(t testing.TB) *dataset.Dataset {
	var classes []class
	for kind := range 6 {
		for thing := range 5 {
			classes = append(classes, class{"pictures/kind" + string(rune('a'+kind)) + "/" + string(rune('0'+thing)), 1 + thing%3})
		}
	}
	for kind := range 3 {
		for thing := range 4 {
			classes = append(classes, class{"drawings/kind" + string(rune('a'+kind)) + "/" + string(rune('0'+thing)), 4})
		}
	}
	return made(t, classes...)
}

func newLevels(t testing.TB, d *dataset.Dataset, config sample.LevelsConfig) sample.Sampler {
	t.Helper()
	s, err := sample.NewLevels(d, config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestLevelsBatches: sizes, shares, kinds and pairs are what the configuration says.
func TestLevelsBatches(t *testing.T) {
	d := levelsData(t)
	classes := d.Classes()
	s := newLevels(t, d, sample.LevelsConfig{Images: 32, PerThing: 2, KindThings: 3, Seed: 3, Domains: map[string]float64{"pictures": 3}})
	for range 50 {
		b := s.Next()
		perDomain, perKind, perThing := map[string]int{}, map[int32]map[int32]bool{}, map[int32]int{}
		for i, label := range b.Labels {
			class := classes[label]
			if !slices.Contains(class.Images, b.Images[i]) {
				t.Fatalf("image %d is %q, want one of %q", i, b.Images[i].Name, class.Name)
			}
			perDomain[class.Domain]++
			perThing[label]++
			if perKind[b.Kinds[i]] == nil {
				perKind[b.Kinds[i]] = map[int32]bool{}
			}
			perKind[b.Kinds[i]][label] = true
			if other := classes[b.Labels[slices.Index(b.Kinds, b.Kinds[i])]]; other.Alphabet != class.Alphabet {
				t.Fatalf("%q and %q have one number of a kind", other.Name, class.Name)
			}
		}
		if perDomain["pictures"] != 24 || perDomain["drawings"] != 8 {
			t.Fatalf("images by domain: %v, want 24 and 8", perDomain)
		}
		for kind, things := range perKind {
			if len(things) > 3 {
				t.Fatalf("kind %d has %d things, want at most 3", kind, len(things))
			}
		}
		for thing, images := range perThing {
			if images != 2 {
				t.Fatalf("%q has %d images, want 2", classes[thing].Name, images)
			}
		}
		if want := 32 * 31 / 2; len(b.A) != want || len(b.Unknown) != 0 {
			t.Fatalf("%d pairs and %d unknown, want %d and none", len(b.A), len(b.Unknown), want)
		}
		for i := range b.A {
			if same := b.Labels[b.A[i]] == b.Labels[b.B[i]]; same != b.Same[i] || b.A[i] == b.B[i] {
				t.Fatalf("pair %d of images %d and %d is same: %t", i, b.A[i], b.B[i], b.Same[i])
			}
		}
	}
}

// TestLevelsCopies: with Copies 1 both images of a thing are one picture, below 0 only
// where it has no other, and between in about that share.
func TestLevelsCopies(t *testing.T) {
	tests := []struct{ give, low, high float64 }{{1, 1, 1}, {-1, 0, 0}, {0.5, 0.4, 0.6}}
	for _, tt := range tests {
		d := levelsData(t)
		classes := d.Classes()
		s := newLevels(t, d, sample.LevelsConfig{Images: 32, Copies: tt.give, Seed: 1})
		twice, things := 0, 0
		for range 100 {
			b := s.Next()
			for i := 0; i+1 < len(b.Images); i += 2 {
				if len(classes[b.Labels[i]].Images) == 1 {
					if b.Images[i] != b.Images[i+1] {
						t.Fatalf("a thing of one image has two: %q, %q", b.Images[i].Name, b.Images[i+1].Name)
					}
					continue
				}
				things++
				if b.Images[i] == b.Images[i+1] {
					twice++
				}
			}
		}
		if share := float64(twice) / float64(things); share < tt.low || share > tt.high {
			t.Errorf("Copies %v: %.2f of the things come twice in one picture, want %v to %v", tt.give, share, tt.low, tt.high)
		}
	}
}

// TestLevelsLeaveOutWhatIsForbidden: such pairs are neither same nor different.
func TestLevelsLeaveOutWhatIsForbidden(t *testing.T) {
	d := levelsData(t)
	classes := d.Classes()
	forbidden, err := dataset.ReadForbidden(strings.NewReader("pictures/kinda pictures/kindb\ndrawings/*"))
	if err != nil {
		t.Fatal(err)
	}
	s := newLevels(t, d, sample.LevelsConfig{Images: 48, Forbidden: forbidden, Seed: 2})
	ambiguity := forbidden.Of(classes)
	found := 0
	for range 30 {
		b := s.Next()
		for i := range b.A {
			if first, second := int(b.Labels[b.A[i]]), int(b.Labels[b.B[i]]); first != second && ambiguity.Together(first, second) {
				t.Fatalf("%q and %q are a pair", classes[first].Name, classes[second].Name)
			}
		}
		for _, pair := range b.Unknown {
			if first, second := int(b.Labels[pair[0]]), int(b.Labels[pair[1]]); first == second || !ambiguity.Together(first, second) {
				t.Fatalf("%q and %q are unknown", classes[first].Name, classes[second].Name)
			}
		}
		found += len(b.Unknown)
		if want := len(b.Images) * (len(b.Images) - 1) / 2; len(b.A)+len(b.Unknown) != want {
			t.Fatalf("%d pairs and %d unknown ones, want %d together", len(b.A), len(b.Unknown), want)
		}
	}
	if found == 0 {
		t.Error("no batch had anything forbidden in it")
	}
}

// TestLevelsDrawNeighborsTogether: what looks like a thing comes beside it, far more
// often than by chance, and never what must not be told apart from it.
func TestLevelsDrawNeighborsTogether(t *testing.T) {
	var kinds []class
	for kind := range 20 {
		for thing := range 3 {
			kinds = append(kinds, class{"kind" + string(rune('a'+kind)) + "/" + string(rune('0'+thing)), 2})
		}
	}
	d := made(t, kinds...)
	forbidden, err := dataset.ReadForbidden(strings.NewReader("kinda/0 kindb/0"))
	if err != nil {
		t.Fatal(err)
	}
	together := func(mined bool) int {
		s := newLevels(t, d, sample.LevelsConfig{Images: 16, KindThings: 2, Seed: 4, Forbidden: forbidden}).(sample.Miner)
		if mined {
			near := map[int][]int{}
			for i := range 60 {
				near[i] = []int{(i + 30) % 60}
			}
			near[0] = []int{3} // forbidden: kindb/0
			s.SetNeighbors(near)
		}
		count := 0
		for range 300 {
			b := s.Next()
			for i := range b.A {
				if a, b := b.Labels[b.A[i]], b.Labels[b.B[i]]; (a+30)%60 == b {
					count++
				}
			}
		}
		return count
	}
	if by, without := together(true), together(false); by < 3*without {
		t.Errorf("neighbours come together %d times, %d without knowing them, want three times that", by, without)
	}
}

// TestLevelsGoOnFromState: with neighbours or without, a restored sampler draws what the
// other one draws.
func TestLevelsGoOnFromState(t *testing.T) {
	for _, near := range []map[int][]int{nil, {0: {5, 9}, 7: {1}}} {
		d := levelsData(t)
		config := sample.LevelsConfig{Images: 24, Seed: 9}
		s := newLevels(t, d, config).(sample.Miner)
		s.Next()
		s.SetNeighbors(near)
		state, err := s.State()
		if err != nil {
			t.Fatal(err)
		}
		restored := newLevels(t, d, config)
		if err := restored.Restore(state); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if want, got := s.Next(), restored.Next(); !reflect.DeepEqual(got, want) {
				t.Fatalf("neighbours %v: a restored sampler draws %v, want %v", near, got.Labels, want.Labels)
			}
		}
		for _, bad := range []string{"", "{}", `{"draws":"AAAA"}`, strings.Replace(string(state), `"near":{"0":[5`, `"near":{"0":[500`, 1)} {
			if bad != string(state) && restored.Restore([]byte(bad)) == nil {
				t.Errorf("Restore(%.40q) = nil, want an error", bad)
			}
		}
	}
}

func TestLevelsRefuses(t *testing.T) {
	d := levelsData(t)
	tests := []struct {
		give sample.LevelsConfig
		want string
	}{
		{sample.LevelsConfig{PerThing: 1}, "PerThing is 1"},
		{sample.LevelsConfig{Images: 3}, "Images is 3"},
		{sample.LevelsConfig{Images: 5000}, "Images is 5000"},
		{sample.LevelsConfig{KindThings: -1}, "KindThings is -1"},
		{sample.LevelsConfig{Copies: 1.1}, "Copies is 1.1"},
		{sample.LevelsConfig{Copies: math.NaN()}, "Copies is NaN"},
		{sample.LevelsConfig{Domains: map[string]float64{"pictures": 0}}, `share of domain "pictures" is 0`},
		{sample.LevelsConfig{Domains: map[string]float64{"photos": 1}}, `domain "photos", expected one of ["drawings" "pictures"]`},
	}
	for _, tt := range tests {
		if _, err := sample.NewLevels(d, tt.give); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("NewLevels(%+v) = %v, want an error with %q", tt.give, err, tt.want)
		}
	}
	if _, err := sample.NewLevels(nil, sample.LevelsConfig{}); !errors.Is(err, dataset.ErrNoImages) {
		t.Errorf("NewLevels of nothing = %v, want %v", err, dataset.ErrNoImages)
	}
}
