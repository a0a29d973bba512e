package gpu

import "fmt"

// Best is what was found to be best so far. The zero value stands for the
// program's defaults.
type Best struct {
	// Precision and Batch are those of encoding; empty and 0 where it was not
	// measured.
	Precision string
	Batch     int
	// TrainPrecision and TrainBatch are those of training.
	TrainPrecision string
	TrainBatch     int
}

// enough is the share of the best rate that a smaller batch has to reach to be
// preferred: callers wait less for it.
const enough = 0.95

// bestOf is what the figures say. A precision that is off the CPU by more than
// its bar is not taken.
func bestOf(figures []Figure) Best {
	refused := map[string]bool{}
	for _, figure := range figures {
		if !figure.Holds() {
			refused[figure.Part] = true
		}
	}
	var best Best
	best.Precision, best.Batch = fastestOf(figures, refused, "", []string{"float32", "tf32", "bfloat16"}, sizesGPU)
	best.TrainPrecision, best.TrainBatch = fastestOf(figures, refused, "train-", []string{"float32", "bfloat16"}, trainSizesGPU)
	return best
}

// fastestOf is the precision, and its batch, whose part is the fastest that was not
// refused; empty and 0 where none was measured.
func fastestOf(figures []Figure, refused map[string]bool, prefix string, precisions []string, sizes []int) (best string, batch int) {
	rate := 0.0
	for _, precision := range precisions {
		part := prefix + precision
		if found, of := fastest(figures, part, sizes); of > rate && !refused[part] {
			best, batch, rate = precision, found, of
		}
	}
	return best, batch
}

// fastest is the smallest batch of a part whose rate is enough of its best, with
// that best rate; 0 where none was measured.
func fastest(figures []Figure, part string, sizes []int) (batch int, best float64) {
	rates := map[string]float64{}
	for _, figure := range figures {
		if figure.Part == part {
			rates[figure.Name] = figure.Value
		}
	}
	for _, size := range sizes {
		best = max(best, rates[rateName(size)])
	}
	for _, size := range sizes {
		if rate := rates[rateName(size)]; rate > 0 && rate >= enough*best {
			return size, best
		}
	}
	return 0, best
}

// Flags are the flags that follow, for serving and for training; empty where
// nothing was measured.
func (b Best) Flags(device string) (serve, train string) {
	if b.Precision != "" {
		serve = fmt.Sprintf("siamese serve --device %s --precision %s --max-batch %d", device, b.Precision, b.Batch)
	}
	if b.TrainPrecision != "" {
		train = fmt.Sprintf("siamese train --device %s --precision %s --batch %d", device, b.TrainPrecision, b.TrainBatch)
	}
	return serve, train
}
