package gpu

import "strings"

// peaks are dense TFLOP/s of the vendor's datasheets: float32, TF32, bfloat16; 0
// where the card has no such unit. A card is found by the first name whose words
// its own contains: an L40 is no L4, an A1000 no A100.
var peaks = []struct {
	name  string
	rates [3]float64
}{
	{"H200", [3]float64{67, 495, 989}},
	{"H100 PCIe", [3]float64{51, 378, 756}},
	{"H100 NVL", [3]float64{60, 418, 835}},
	{"H100", [3]float64{67, 495, 989}},
	{"A100", [3]float64{19.5, 156, 312}},
	{"A10", [3]float64{31.2, 62.5, 125}},
	{"L40S", [3]float64{91.6, 183, 362}},
	{"L4", [3]float64{30.3, 60, 121}},
	{"T4", [3]float64{8.1, 0, 0}},
	{"V100", [3]float64{15.7, 0, 0}},
	{"RTX 4090", [3]float64{82.6, 82.6, 165}},
	{"RTX 3090", [3]float64{35.6, 35.6, 71}},
}

// peakOf is what a card can do in a precision, in TFLOP/s; false for one that is
// not known.
func peakOf(card, precision string) (float64, bool) {
	columns := map[string]int{"float32": 0, "tf32": 1, "bfloat16": 2}
	card = " " + strings.ReplaceAll(card, "-", " ") + " "
	for _, peak := range peaks {
		if strings.Contains(card, " "+peak.name+" ") {
			rate := peak.rates[columns[precision]]
			return rate, rate > 0
		}
	}
	return 0, false
}
