package augment

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/imaging"
)

// The draws and the operations have tests of their own; these check that they are
// put together in the original's order.

func TestAutoAugmentCropsFlipsAndTakesAPolicy(t *testing.T) {
	const seeds = 300
	scene := readPicture(t, "input", "scene")
	a := &autoAugment{sized: sized{output: size{24, 20}}}
	policies, flips := map[int]bool{}, 0
	for seed := range uint64(seeds) {
		random := seeded(seed)
		want := scene.Crop(drawCrop(random, sizeOf(scene))).Resize(24, 20, imaging.Bilinear)
		if chance(random, 0.5) {
			flips++
			want = flip(want)
		}
		index := drawPolicy(random)
		policies[index] = true
		want = imageNetPolicies[index].apply(random, want)
		if diff := cmp.Diff(want, a.Apply(seeded(seed), scene)); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
	}
	if len(policies) != len(imageNetPolicies) {
		t.Errorf("%d seeds took %d policies, want all %d", seeds, len(policies), len(imageNetPolicies))
	}
	if flips < seeds/3 || flips > seeds*2/3 {
		t.Errorf("%d of %d pictures were flipped, want about half", flips, seeds)
	}
}

func TestJitterPlacesFlipsTurnsAndRecolours(t *testing.T) {
	const seeds = 100
	scene := readPicture(t, "input", "scene")
	j := &jitter{sized: sized{output: size{24, 20}}}
	turned := 0
	for seed := range uint64(seeds) {
		d := j.draw(seeded(seed), sizeOf(scene))
		want := placed(scene.Resize(d.scaled.width, d.scaled.height, imaging.Bicubic), j.output, d.x, d.y)
		if d.flip {
			want = flip(want)
		}
		if d.degrees != 0 {
			turned++
		}
		want = d.gains.apply(turn(want, d.degrees)) // a turn by 0 changes nothing
		if diff := cmp.Diff(want, j.Apply(seeded(seed), scene)); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
	}
	if turned < seeds/3 || turned > seeds*2/3 {
		t.Errorf("%d of %d pictures were turned, want about half", turned, seeds)
	}
}
