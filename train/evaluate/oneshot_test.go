package evaluate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"siamese/imaging"
	"siamese/train/evaluate"
)

// rounding is what hand-computed values may differ by.
const rounding = 1e-12

// run returns a run of the given ways, in which the test pictures come in the
// opposite order of the classes.
func run(name string, ways int) evaluate.Run {
	r := evaluate.Run{Name: name}
	for i := range ways {
		r.Training = append(r.Training, picture(1, 10*i, 1))
		r.Test = append(r.Test, picture(1, 10*(ways-1-i), 2))
		r.Answer = append(r.Answer, ways-1-i)
	}
	return r
}

func TestOneShotScores(t *testing.T) {
	tests := []struct {
		name string
		rule func(a, b []float32) float32
		want int // right of 20
	}{
		{"the perfect network", byClass, 20},
		{"ties are wrong", constant, 0},
		{"a tie with one other class is wrong", func(a, b []float32) float32 {
			if a[1] == 0 && (b[1] == 0 || b[1] == 50) {
				return 0.9
			}
			return byClass(a, b)
		}, 19},
		{"the opposite of the perfect network", func(a, b []float32) float32 { return 1 - byClass(a, b) }, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := evaluate.OneShot(t.Context(), &fakeModel{similarity: tt.rule}, []evaluate.Run{run("run01", 20)})
			if err != nil {
				t.Fatal(err)
			}
			if got.Runs[0].Right != tt.want || got.Mean != float64(tt.want)/20 {
				t.Errorf("right = %d and mean = %v, want %d of 20", got.Runs[0].Right, got.Mean, tt.want)
			}
		})
	}
}

func TestOneShotByCosine(t *testing.T) {
	got, err := evaluate.OneShot(t.Context(), &fakeModel{similarity: constant}, []evaluate.Run{{
		Name:     "run01",
		Training: []*imaging.Picture{picture(10, 0, 0), picture(0, 10, 0), picture(0, 0, 10)},
		Test:     []*imaging.Picture{picture(20, 1, 0), picture(0, 5, 4), picture(9, 0, 8), picture(0, 0, 0)},
		Answer:   []int{0, 1, 2, 0},
	}})
	if err != nil {
		t.Fatal(err)
	}
	// The third is nearer to the first class in angle, the last has no direction at
	// all; the head's similarity, always the same, finds none.
	if got.Runs[0].RightCosine != 2 || got.MeanCosine != 0.5 || got.Mean != 0 {
		t.Errorf("right by cosine = %d, means = %v and %v, want 2, 0.5 and 0", got.Runs[0].RightCosine, got.MeanCosine, got.Mean)
	}
}

// halfBlind errs on every test picture but those of the classes below limit.
func halfBlind(limit int) func(a, b []float32) float32 {
	return func(a, b []float32) float32 {
		if int(a[1]) >= limit {
			return 0
		}
		return byClass(a, b)
	}
}

func TestOneShotStandardError(t *testing.T) {
	tests := []struct {
		name     string
		give     []evaluate.Run
		wantMean float64
		want     float64
	}{
		// Right: classes 0, 10 and 20 of each run, so 3 of 4 and 3 of 12.
		{"one run is binomial", []evaluate.Run{run("run01", 4)}, 0.75, math.Sqrt(0.75 * 0.25 / 4)},
		{"equal runs do not differ", []evaluate.Run{run("run01", 4), run("run02", 4)}, 0.75, 0},
		// Mean 6/16; off by 3-1.5 and 3-4.5.
		{"runs of unequal size", []evaluate.Run{run("run01", 4), run("run02", 12)}, 0.375, math.Sqrt(2*(1.5*1.5+1.5*1.5)) / 16},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := evaluate.OneShot(t.Context(), &fakeModel{similarity: halfBlind(30)}, tt.give)
			if err != nil {
				t.Fatal(err)
			}
			want := []float64{tt.wantMean, tt.want}
			if diff := cmp.Diff(want, []float64{got.Mean, got.StdErr}, cmpopts.EquateApprox(0, rounding)); diff != "" {
				t.Errorf("mean and standard error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOneShotEncodesEachPictureOnce(t *testing.T) {
	model := &fakeModel{}
	// The second run has the pictures of the first under other addresses.
	if _, err := evaluate.OneShot(t.Context(), model, []evaluate.Run{run("run01", 20), run("run02", 20)}); err != nil {
		t.Fatal(err)
	}
	model.wantEncodedOnce(t)
	if len(model.encoded) != 40 || len(model.compared) != 2*20*20 {
		t.Errorf("%d pictures encoded and %d pairs compared, want 40 and 800", len(model.encoded), len(model.compared))
	}
}

func TestOneShotResultAsJSON(t *testing.T) {
	result, err := evaluate.OneShot(t.Context(), &fakeModel{}, []evaluate.Run{run("run01", 2)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"mean":1,"stderr":0,"mean_cosine":1,"stderr_cosine":0,"trials":2,"runs":[` +
		`{"name":"run01","ways":2,"trials":2,"right":2,"right_cosine":2,"mean":1}]}`
	if string(got) != want {
		t.Errorf("JSON = %s, want %s", got, want)
	}
}

func TestOneShotRefusesWhatIsNoTest(t *testing.T) {
	change := func(change func(*evaluate.Run)) []evaluate.Run {
		r := run("run01", 3)
		change(&r)
		return []evaluate.Run{r}
	}
	tests := []struct {
		name string
		give []evaluate.Run
		want string
	}{
		{"no runs", nil, "no one-shot runs"},
		{"one class", change(func(r *evaluate.Run) { r.Training = r.Training[:1] }), "1 training pictures, expected at least 2"},
		{"no trials", change(func(r *evaluate.Run) { r.Test, r.Answer = nil, nil }), "0 test pictures and 0 answers"},
		{"an answer short", change(func(r *evaluate.Run) { r.Answer = r.Answer[:2] }), "3 test pictures and 2 answers"},
		{"an answer out of range", change(func(r *evaluate.Run) { r.Answer[1] = 3 }), "answer 1 is 3, expected 0 to 2"},
		{"a missing picture", change(func(r *evaluate.Run) { r.Test[1] = nil }), "a picture is nil"},
		{"another size", change(func(r *evaluate.Run) { r.Test[1] = &imaging.Picture{Width: 1, Height: 1, Pix: make([]byte, 3)} }),
			"a picture is of 1x1 in 3 bytes, expected 8x8 in 192"},
		{"an empty picture", change(func(r *evaluate.Run) { r.Training[0] = &imaging.Picture{} }), "the first picture is empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := evaluate.OneShot(t.Context(), &fakeModel{}, tt.give)
			wantError(t, err, tt.want)
		})
	}
}

func TestOneShotRefusesWhatNoNetworkSays(t *testing.T) {
	for _, value := range []float32{float32(math.NaN()), -0.1, 1.5} {
		model := &fakeModel{similarity: func(_, _ []float32) float32 { return value }}
		_, err := evaluate.OneShot(t.Context(), model, []evaluate.Run{run("run01", 3)})
		if !errors.Is(err, evaluate.ErrModelOutput) {
			t.Errorf("error of similarity %v = %v, want ErrModelOutput", value, err)
		}
	}
	for _, model := range []evaluate.Model{shortModel{cutEmbeddings: true}, shortModel{}, emptyModel{}} {
		_, err := evaluate.OneShot(t.Context(), model, []evaluate.Run{run("run01", 20)})
		if !errors.Is(err, evaluate.ErrModelOutput) {
			t.Errorf("error of %T%+v = %v, want ErrModelOutput", model, model, err)
		}
	}
}

func TestOneShotReturnsTheModelsError(t *testing.T) {
	broken := fmt.Errorf("no device")
	_, err := evaluate.OneShot(t.Context(), &fakeModel{err: broken}, []evaluate.Run{run("run01", 3)})
	if !errors.Is(err, broken) {
		t.Errorf("error = %v, want %v", err, broken)
	}
}

// shortModel returns one value less than asked for, of embeddings or similarities.
type shortModel struct{ cutEmbeddings bool }

func (m shortModel) Encode(ctx context.Context, pixels []byte) ([]float32, error) {
	embeddings, err := new(fakeModel).Encode(ctx, pixels)
	if m.cutEmbeddings {
		embeddings = embeddings[1:]
	}
	return embeddings, err
}

func (m shortModel) Compare(ctx context.Context, a, b []float32) ([]float32, error) {
	similarities, err := new(fakeModel).Compare(ctx, a, b)
	return similarities[1:], err
}

// emptyModel returns nothing.
type emptyModel struct{}

func (emptyModel) Encode(context.Context, []byte) ([]float32, error) { return nil, nil }

func (emptyModel) Compare(context.Context, []float32, []float32) ([]float32, error) { return nil, nil }
