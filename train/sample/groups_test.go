package sample_test

import (
	"strings"
	"testing"

	"siamese/train/dataset"
	"siamese/train/sample"
)

// groupsOf counts a batch's classes by a key made of the class; combined classes
// count as "combined".
func groupsOf(d *dataset.Dataset, b sample.Batch, key func(dataset.Class) string) map[string]int {
	classes := d.Classes()
	counts := map[string]int{}
	for label := range perClass(b) {
		if int(label) < len(classes) {
			counts[key(classes[label])]++
		} else {
			counts["combined"]++
		}
	}
	return counts
}

func alphabetOf(c dataset.Class) string { return c.Alphabet }

// atLeast counts the groups that have count classes or more.
func atLeast(counts map[string]int, classes int) int {
	groups := 0
	for _, count := range counts {
		if count >= classes {
			groups++
		}
	}
	return groups
}

func TestAlphabetsShareABatch(t *testing.T) {
	// 64 classes, three quarters of which are 48.
	const images, perClass = 128, 2
	d := made(t, scripts(12, 40, 2)...)
	for alphabets, each := range map[int]int{0: 40, 1: 40, 2: 24, 3: 16, 4: 12, 6: 8} {
		sampler := newAllPairs(t, d, sample.AllPairsConfig{Images: images, PerClass: perClass, Alphabets: alphabets})
		for range 10 {
			b := sampler.Next()
			check(t, d, b)
			if got := atLeast(groupsOf(d, b, alphabetOf), each); got < max(1, alphabets) {
				t.Fatalf("with %d alphabets %d have %d classes or more, want as many", alphabets, got, each)
			}
		}
	}
}

func TestSmallAlphabetsGiveWhatTheyHave(t *testing.T) {
	d := made(t, scripts(12, 5, 2)...)
	sampler := newAllPairs(t, d, sample.AllPairsConfig{Images: 64, PerClass: 2, Alphabets: 4, AlphabetShare: 1})
	for range 10 {
		b := sampler.Next()
		check(t, d, b)
		if got := len(perClass(b)); got != 32 {
			t.Fatalf("%d classes, want 32", got)
		}
		if got := atLeast(groupsOf(d, b, alphabetOf), 5); got < 4 {
			t.Errorf("%d alphabets are there as a whole, want 4 or more", got)
		}
	}
}

func TestOnePoseOfAnAlphabet(t *testing.T) {
	d, err := made(t, scripts(3, 12, 2)...).Variants(t.Context(), dataset.VariantsConfig{Rotations: true, Mirrors: true})
	if err != nil {
		t.Fatal(err)
	}
	pose := func(c dataset.Class) string {
		_, suffix, _ := strings.Cut(c.Name, "@")
		return c.Alphabet + "@" + suffix
	}
	sampler := newAllPairs(t, d, sample.AllPairsConfig{Images: 32, PerClass: 2, AlphabetShare: 1, Alphabets: 2, OnePose: true})
	for range 20 {
		b := sampler.Next()
		check(t, d, b)
		if counts := groupsOf(d, b, pose); len(counts) != 2 || atLeast(counts, 8) != 2 {
			t.Fatalf("classes by alphabet and pose = %v, want 8 of each of two", counts)
		}
	}
}

func TestCombinedClasses(t *testing.T) {
	// Combined images are decoded here, of classes of three, two and one image.
	d := made(t, append(scripts(3, 10, 3), class{"Zulu/00", 1}, class{"Zulu/01", 2})...)
	sampler := newAllPairs(t, d, sample.AllPairsConfig{Images: 48, PerClass: 3, Combine: 0.5})
	sharing := 0
	for range 30 {
		b := sampler.Next()
		combined := map[int32][]string{}
		for i, image := range b.Images {
			if _, err := d.Picture(image); err != nil {
				t.Fatal(err)
			}
			if int(b.Labels[i]) >= sampler.Classes() {
				combined[b.Labels[i]] = append(combined[b.Labels[i]], image.Name)
			}
		}
		if len(b.Images) != 48 || len(b.Same) != 48*47/2 || !both(b.Same) {
			t.Fatalf("%d images and %d pairs, want 48 and 1128 of both kinds", len(b.Images), len(b.Same))
		}
		firsts := map[string]int{}
		for label, names := range combined {
			first, second, _ := strings.Cut(names[0], "+")
			firsts[folder(first)]++
			for _, name := range names {
				a, b, _ := strings.Cut(name, "+")
				if folder(a) != folder(first) || folder(b) != folder(second) || folder(a) == folder(b) {
					t.Errorf("class %d has %s and %s, want drawings of the same two characters", label, names[0], name)
				}
			}
		}
		want := 8
		if strings.HasPrefix(b.Images[0].Name, "Zulu") {
			want = 5 // both orders beside and above each other, and one over the other
		}
		if len(combined) != want {
			t.Errorf("%d combined classes, want %d", len(combined), want)
		}
		if len(firsts) < len(combined) {
			sharing++
		}
	}
	if sharing < 30 {
		t.Errorf("in %d of 30 batches combined classes share a part, want all", sharing)
	}
}

// folder is what an image of a class has in common with the others.
func folder(name string) string {
	return name[:strings.LastIndexByte(name, '/')]
}

func TestCombinedClassesAreNeverWhole(t *testing.T) {
	d := made(t, scripts(2, 6, 2)...)
	sampler := newAllPairs(t, d, sample.AllPairsConfig{Images: 4, PerClass: 2, Combine: 0.9})
	for range 20 {
		if b := sampler.Next(); !both(b.Same) {
			t.Fatal("a batch has only one kind of pair")
		}
	}
}
