package evaluate

import "math"

// binCount is the number of reliability bins.
const binCount = 10

// Bin holds the pairs whose similarity is in [Low,High), in the last bin up to
// and with 1.
type Bin struct {
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Count int     `json:"count"`
	Mean  float64 `json:"mean"` // of the similarities; 0 in an empty bin
	Same  float64 `json:"same"` // share of pairs of one class; 0 in an empty bin
}

// binScores sorts the scores into bins of equal width.
func binScores(scores []Score) []Bin {
	bins := make([]Bin, binCount)
	for _, score := range scores {
		bin := &bins[min(int(score.Similarity*binCount), binCount-1)]
		bin.Count++
		bin.Mean += score.Similarity
		if score.Same {
			bin.Same++
		}
	}
	for i := range bins {
		bin := &bins[i]
		bin.Low, bin.High = float64(i)/binCount, float64(i+1)/binCount
		if bin.Count > 0 {
			bin.Mean /= float64(bin.Count)
			bin.Same /= float64(bin.Count)
		}
	}
	return bins
}

// calibrationError is how far the share of same pairs is from the similarity,
// averaged over the pairs (C. Guo et al., On calibration of modern neural
// networks, 2017, eq. 3).
func calibrationError(bins []Bin) float64 {
	var sum float64
	count := 0
	for _, bin := range bins {
		sum += float64(bin.Count) * math.Abs(bin.Same-bin.Mean)
		count += bin.Count
	}
	return sum / float64(count)
}
