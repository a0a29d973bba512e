package train

import (
	"path/filepath"

	"siamese/imaging"
	"siamese/internal/atomicfile"
	"siamese/train/record"
)

// SamplePairsFile is the sheet of sample pairs in a run folder: what the network
// sees of its first batch, augmented.
const SamplePairsFile = "sample_pairs.png"

// samplePairs is the most pairs that the sheet shows, half of them same.
const samplePairs = 32

// showSample draws pairs of a batch for the run folder and for TensorBoard. A
// batch without pairs has nothing to show.
func (r *run) showSample(first fed) error {
	pairs := first.sample()
	if len(pairs) == 0 {
		return nil
	}
	sheet, err := record.Sheet(pairs)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(filepath.Join(r.Dir, SamplePairsFile), sheet); err != nil {
		return err
	}
	return r.recorder.Image(r.done.Step, "sample_pairs", sheet)
}

// sample takes pairs from all over the batch, the same ones first: a batch of
// all pairs lists those of its first image first.
func (f fed) sample() []record.Pair {
	var same, different []int
	for i, is := range f.batch.Same {
		if is {
			same = append(same, i)
		} else {
			different = append(different, i)
		}
	}
	count := min(len(same), len(different), samplePairs/2)
	if len(same) == 0 || len(different) == 0 {
		count = min(len(same)+len(different), samplePairs/2)
	}
	var pairs []record.Pair
	for _, half := range [][]int{same, different} {
		count := min(len(half), count)
		for i := range count {
			pair := half[i*len(half)/count]
			pairs = append(pairs, record.Pair{A: f.picture(f.batch.A[pair]), B: f.picture(f.batch.B[pair]), Same: f.batch.Same[pair]})
		}
	}
	return pairs
}

// picture views an image of the batch.
func (f fed) picture(number int32) *imaging.Picture {
	size := f.width * f.height * 3
	begin := int(number) * size
	return &imaging.Picture{Width: f.width, Height: f.height, Pix: f.batch.Pixels[begin : begin+size]}
}
