package evaluate

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"strconv"

	"siamese/imaging"
)

// OneShotResult is how often the right class came out on top.
type OneShotResult struct {
	Mean         float64         `json:"mean"`        // share of all trials that were right by similarity, 0..1
	StdErr       float64         `json:"stderr"`      // standard error of Mean, see OneShot
	MeanCosine   float64         `json:"mean_cosine"` // the same share by the cosine of the embeddings
	StdErrCosine float64         `json:"stderr_cosine"`
	Trials       int             `json:"trials"`           // over all runs
	Runs         []RunResult     `json:"runs"`             // in the order given
	Beside       []OneShotMethod `json:"beside,omitempty"` // the baselines

}

// OneShotMethod is the share of all trials that were right by another way of scoring,
// with its standard error as in OneShot.
type OneShotMethod struct {
	Name string `json:"name"`
	Mean
}

// RunResult is the share of one run.
type RunResult struct {
	Name        string  `json:"name"`
	Ways        int     `json:"ways"`         // classes to choose from
	Trials      int     `json:"trials"`       // test pictures
	Right       int     `json:"right"`        // of them by similarity
	RightCosine int     `json:"right_cosine"` // of them by the cosine of the embeddings
	Mean        float64 `json:"mean"`         // Right/Trials, 0..1
}

// OneShot asks for each test picture which training picture is the most similar.
// An answer is right only if the right class is more similar than every other
// one: a tie is wrong.
//
// The standard error is over the runs, not the trials, since the trials of a run
// share alphabet and drawers: √(R/(R-1)·Σ(right_r-mean·trials_r)²)/trials (the
// ratio estimator for clusters of unequal size; W. G. Cochran, Sampling
// Techniques, 1977, §6.4). Of a single run it is the binomial √(p(1-p)/n).
//
// Baselines are measured beside the network. The pictures of all runs are of the model's
// input size. Errors are those of
// the model, of runs that are no tests, and ErrModelOutput. When ctx ends, so
// does OneShot, between two batches.
func OneShot(ctx context.Context, model Model, runs []Run, baselines ...Baseline) (OneShotResult, error) {
	if err := validateAll(runs); err != nil {
		return OneShotResult{}, fmt.Errorf("one-shot: %w", err)
	}
	pictures, numbers := distinct(runs)
	picture := func(i int) (*imaging.Picture, error) { return pictures[i], nil }
	images, err := embed(ctx, model, len(pictures), picture)
	if err != nil {
		return OneShotResult{}, fmt.Errorf("one-shot: %w", err)
	}
	results := make([]RunResult, len(runs))
	for i, run := range runs {
		if results[i], err = score(ctx, model, run, images, numbers); err != nil {
			return OneShotResult{}, fmt.Errorf("one-shot: run %q: %w", run.Name, err)
		}
	}
	result := summarize(results)
	rankers, err := besides(ctx, images, baselines, len(pictures), picture)
	if err != nil {
		return OneShotResult{}, fmt.Errorf("one-shot: %w", err)
	}
	for i, by := range rankers {
		share, err := byRuns(ctx, by, runs, numbers)
		if err != nil {
			return OneShotResult{}, fmt.Errorf("one-shot: %s: %w", by.name, err)
		}
		if i == 0 { // the network's cosine
			result.MeanCosine, result.StdErrCosine = share.Value, share.StdErr
			continue
		}
		result.Beside = append(result.Beside, OneShotMethod{by.name, share})
	}
	return result, nil
}

// byRuns is the share of trials that another way of scoring gets right.
func byRuns(ctx context.Context, by scorer, runs []Run, numbers map[*imaging.Picture]int) (Mean, error) {
	trials := newEstimate()
	for number, run := range runs {
		var choices []int
		for _, training := range run.Training {
			choices = append(choices, numbers[training])
		}
		for i, test := range run.Test {
			scores, err := by.scores(ctx, numbers[test], choices)
			if err != nil {
				return Mean{}, err
			}
			trials.add(strconv.Itoa(number), indicator(onTop(scores, run.Answer[i])))
		}
	}
	return runsMean(trials), nil
}

// runsMean is a mean over trials with its error over runs.
func runsMean(trials estimate) Mean {
	mean := trials.mean()
	if len(trials.count) == 1 {
		mean.StdErr = math.Sqrt(mean.Value * (1 - mean.Value) / trials.count[sortedKeys(trials.count)[0]])
	}
	return mean
}

// distinct returns the pictures of all runs without repetition, and the number
// that each got. Pictures with the same pixels are one: runs from files share none
// by pointer.
func distinct(runs []Run) ([]*imaging.Picture, map[*imaging.Picture]int) {
	var pictures []*imaging.Picture
	byPixels := map[[sha256.Size]byte]int{}
	numbers := map[*imaging.Picture]int{}
	for _, run := range runs {
		for _, picture := range run.pictures() {
			if _, known := numbers[picture]; known {
				continue
			}
			sum := sha256.Sum256(picture.Pix)
			number, known := byPixels[sum]
			if !known {
				number = len(pictures)
				byPixels[sum] = number
				pictures = append(pictures, picture)
			}
			numbers[picture] = number
		}
	}
	return pictures, numbers
}

// score counts the right answers of one run.
func score(ctx context.Context, model Model, run Run, images embeddings, numbers map[*imaging.Picture]int) (RunResult, error) {
	trials, err := ask(ctx, model, run, images, numbers)
	if err != nil {
		return RunResult{}, err
	}
	result := RunResult{Name: run.Name, Ways: run.Ways(), Trials: len(run.Test)}
	for _, trial := range trials {
		result.Right += int(indicator(trial.Right))
		result.RightCosine += int(indicator(trial.RightCosine))
	}
	result.Mean = float64(result.Right) / float64(result.Trials)
	return result, nil
}

// onTop reports whether the answer's score is above every other.
func onTop(scores []float64, answer int) bool {
	for i, score := range scores {
		// Negated, so that a score that is NaN is never beaten.
		if i != answer && !(scores[answer] > score) {
			return false
		}
	}
	return true
}

func summarize(runs []RunResult) OneShotResult {
	result := OneShotResult{Runs: runs}
	right := newEstimate()
	for number, run := range runs {
		result.Trials += run.Trials
		right.weigh(strconv.Itoa(number), run.Mean, float64(run.Trials))
	}
	mean := runsMean(right)
	result.Mean, result.StdErr = mean.Value, mean.StdErr
	return result
}
