package evaluation

import (
	"fmt"
	"os"

	"siamese/train/evaluate"
	"siamese/train/record"
)

// rocCurve is a curve of a plot.
func rocCurve(name string, area float64, points []evaluate.ROCPoint) record.ROCCurve {
	curve := record.ROCCurve{Name: name, AreaUnder: area}
	for _, point := range points {
		curve.FalseAccepts = append(curve.FalseAccepts, point.FPR)
		curve.TrueAccepts = append(curve.TrueAccepts, point.TPR)
		if point.FPR <= 1-point.TPR {
			curve.EqualError = (point.FPR + 1 - point.TPR) / 2
		}
	}
	return curve
}

// maxCurves is how many curves a plot takes.
const maxCurves = 4

// writeROC draws the first curves into a file; "" is none.
func writeROC(file string, curves []record.ROCCurve) error {
	if file == "" {
		return nil
	}
	picture, err := record.ROC(curves[:min(len(curves), maxCurves)]...)
	if err != nil {
		return err
	}
	return os.WriteFile(file, picture, 0o644)
}

// reliabilityCurve is a curve of a plot.
func reliabilityCurve(name string, bins []evaluate.Bin) record.ReliabilityCurve {
	curve := record.ReliabilityCurve{Name: name}
	for _, bin := range bins {
		curve.Points = append(curve.Points, record.ReliabilityPoint{Similarity: bin.Mean, Same: bin.Same, Count: bin.Count})
	}
	return curve
}

// plotContrasts draws the reliability of each sort of pairs into a file; "" is none.
func plotContrasts(file string, contrasts []evaluate.Contrast) error {
	if file == "" {
		return nil
	}
	var curves []record.ReliabilityCurve
	for _, c := range contrasts {
		if c.Of == "" {
			curves = append(curves, reliabilityCurve(fmt.Sprintf("%s and %s: error %.3f", c.Same, c.Different, c.ECE), c.Bins))
		}
	}
	picture, err := record.Reliability(curves...)
	if err != nil {
		return err
	}
	return os.WriteFile(file, picture, 0o644)
}
