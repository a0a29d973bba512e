package compare

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"siamese"
	"siamese/client"
	"siamese/cmd/internal/network"
)

// local runs models in this process, with the threshold of the flags. Of several, an
// image that is foreign to the first is shown to the next as well, and a pair is
// answered by the one to which both images are the most familiar, as a server does it.
type local struct {
	open   func(ctx context.Context, name string) (*siamese.Model, error)
	names  []string         // in the order in which they are tried
	models []*siamese.Model // those that are open
}

// openLocal opens the model of the flags, of the built-in ones the first: the next is
// opened when an image asks for it.
func (f comparerFlags) openLocal(ctx context.Context) (*local, error) {
	l := &local{names: []string{f.Model}, open: func(ctx context.Context, name string) (*siamese.Model, error) {
		return siamese.Open(ctx, name, siamese.Options{
			Run: f.Options(network.Warnings()), Cache: f.Cache, Log: network.Warnings(), Threshold: f.Threshold, Rule: f.Rule(), Alpha: f.Transparency(),
		})
	}}
	if f.Model == "" || f.Model == modelAuto {
		l.names = nil
		for _, model := range network.BuiltIn() {
			l.names = append(l.names, model.Path)
		}
	}
	_, err := l.model(ctx, 0)
	return l, err
}

// model returns one of the models, which it opens at the first call.
func (l *local) model(ctx context.Context, i int) (*siamese.Model, error) {
	if i < len(l.models) {
		return l.models[i], nil
	}
	model, err := l.open(ctx, l.names[i])
	if err == nil {
		l.models = append(l.models, model)
	}
	return model, err
}

func (l *local) close() error {
	var errs []error
	for _, model := range l.models {
		errs = append(errs, model.Close())
	}
	return errors.Join(errs...)
}

func (l *local) compare(ctx context.Context, a, b []byte, options client.Options) (client.Comparison, error) {
	var best client.Comparison
	most := float32(-1)
	for i := range l.names {
		model, err := l.model(ctx, i)
		if err != nil {
			return client.Comparison{}, err
		}
		comparison, result, err := compareBy(ctx, model, a, b, options)
		if err != nil {
			return client.Comparison{}, err
		}
		if least := leastOf(result); least > most {
			best, most = comparison, least
		}
		if !result.A.Foreign || !result.B.Foreign {
			break
		}
	}
	return best, nil
}

// compareBy compares by one model.
func compareBy(ctx context.Context, model *siamese.Model, a, b []byte, options client.Options) (client.Comparison, siamese.Result, error) {
	var images [2]siamese.Image
	var png [2][]byte
	for i, encoded := range [2][]byte{a, b} {
		picture, err := model.Prepare(siamese.Bytes(encoded))
		if err != nil {
			return client.Comparison{}, siamese.Result{}, &pictureError{index: i, err: newPictureFailure(err)}
		}
		images[i] = siamese.Prepared(picture)
		if !options.IncludePrepared {
			continue
		}
		if png[i], err = picture.PNG(); err != nil {
			return client.Comparison{}, siamese.Result{}, err
		}
	}
	result, err := model.Compare(ctx, images[0], images[1])
	return client.Comparison{
		Similarity: result.Similarity, Same: result.Same, Threshold: model.Threshold(), Model: model.Name(),
		FamiliarityA: told(result.A), FamiliarityB: told(result.B), Warning: pairWarning(model, result),
		PreparedA: png[0], PreparedB: png[1],
	}, result, err
}

// leastOf is the familiarity of the less familiar image, 0 where the model does not
// tell.
func leastOf(result siamese.Result) float32 {
	least := min(result.A.Value, result.B.Value)
	if math.IsNaN(float64(least)) {
		return 0
	}
	return least
}

func (l *local) rank(ctx context.Context, query []byte, candidates [][]byte, _ client.Options) (client.Ranking, error) {
	model, err := l.model(ctx, 0)
	if err != nil {
		return client.Ranking{}, err
	}
	ranked, err := rankBy(ctx, model, query, candidates)
	if err != nil {
		return client.Ranking{}, err
	}
	ranking := client.Ranking{Threshold: model.Threshold(), Model: model.Name(), Failed: make(map[int]*client.Error)}
	for _, failure := range ranked.Failed {
		ranking.Failed[failure.Index] = newPictureFailure(failure)
	}
	best := make(map[int]answer) // by the candidate's index
	for i := range l.names {
		var foreign []int
		for _, match := range ranked.Matches {
			if match.A.Foreign && match.B.Foreign {
				foreign = append(foreign, match.Index)
			}
			if before, ok := best[match.Index]; !ok || leastOf(match.Result) > leastOf(before.Result) {
				best[match.Index] = answer{match, model}
			}
		}
		if len(foreign) == 0 || i+1 == len(l.names) {
			break
		}
		if model, err = l.model(ctx, i+1); err != nil {
			return client.Ranking{}, err
		}
		if ranked, err = rankAgain(ctx, model, query, candidates, foreign); err != nil {
			return client.Ranking{}, err
		}
	}
	tell(&ranking, best)
	return ranking, nil
}

// answer is a candidate's match and the model that gave it.
type answer struct {
	siamese.Match
	model *siamese.Model
}

// rankAgain ranks some of the candidates, which keep their places.
func rankAgain(ctx context.Context, model *siamese.Model, query []byte, candidates [][]byte, some []int) (siamese.Ranking, error) {
	slices.Sort(some)
	var again [][]byte
	for _, index := range some {
		again = append(again, candidates[index])
	}
	ranked, err := rankBy(ctx, model, query, again)
	for i := range ranked.Matches {
		ranked.Matches[i].Index = some[ranked.Matches[i].Index]
	}
	return ranked, err
}

// tell puts the answers into the ranking, most similar first. That the query is foreign
// is told once, where it is so to all models that have answered.
func tell(ranking *client.Ranking, answers map[int]answer) {
	var query answer // the one whose model knows the query best
	for _, index := range slices.Sorted(maps.Keys(answers)) {
		if a := answers[index]; query.model == nil || a.A.Value > query.A.Value {
			query = a
		}
	}
	if query.model == nil {
		return // no candidate can be used
	}
	ranking.Familiarity = told(query.A)
	if query.A.Foreign {
		ranking.Warning = sentence("The query is", query.model, rounded(query.A), query.A.Bound, "similarities with it mean little")
	}
	for _, index := range slices.Sorted(maps.Keys(answers)) {
		a := answers[index]
		match := client.Match{
			Index: index, Similarity: a.Similarity, Same: a.Same, Model: a.model.Name(), Familiarity: told(a.B),
		}
		switch {
		case a.B.Foreign:
			match.Warning = sentence("The candidate is", a.model, rounded(a.B), a.B.Bound, ofOneScore)
		case a.A.Foreign && !query.A.Foreign:
			match.Warning = sentence("The query is", a.model, rounded(a.A), a.A.Bound, ofOneScore)
		}
		ranking.Matches = append(ranking.Matches, match)
	}
	slices.SortStableFunc(ranking.Matches, func(a, b client.Match) int { return cmp.Compare(b.Similarity, a.Similarity) })
}

// rankBy ranks by one model.
func rankBy(ctx context.Context, model *siamese.Model, query []byte, candidates [][]byte) (siamese.Ranking, error) {
	images := make([]siamese.Image, len(candidates))
	for i, candidate := range candidates {
		images[i] = siamese.Bytes(candidate)
	}
	ranked, err := model.Rank(ctx, siamese.Bytes(query), images)
	if failure, ok := errors.AsType[*siamese.ImageError](err); ok {
		return ranked, &pictureError{index: failure.Index, err: newPictureFailure(failure)}
	}
	return ranked, err
}

// told is a familiarity as a server tells it; nil where the model does not.
func told(familiarity siamese.Familiarity) *client.Familiarity {
	if math.IsNaN(float64(familiarity.Value)) {
		return nil
	}
	return &client.Familiarity{Value: familiarity.Value, Foreign: familiarity.Foreign}
}

// pairWarning is a sentence about two images, empty where the model knows both or does
// not tell.
func pairWarning(model *siamese.Model, result siamese.Result) string {
	a, b := result.A, result.B
	switch {
	case a.Foreign && b.Foreign:
		return sentence("Both images are", model, rounded(a)+" and "+rounded(b), a.Bound, ofOneScore)
	case a.Foreign:
		return sentence("The first image is", model, rounded(a), a.Bound, ofOneScore)
	case b.Foreign:
		return sentence("The second image is", model, rounded(b), b.Bound, ofOneScore)
	}
	return ""
}

// ofOneScore is what a warning says of a similarity.
const ofOneScore = "the similarity means little"

// sentence is a warning as a server has it.
func sentence(who string, model *siamese.Model, familiarity string, bound float32, what string) string {
	return fmt.Sprintf("%s unlike the pictures that the model %s knows (familiarity %s, bound %v): %s.",
		who, model.Name(), familiarity, bound, what)
}

// rounded is a familiarity in thousandths, rounded down: what is below a bound does
// not look equal to it.
func rounded(familiarity siamese.Familiarity) string {
	return fmt.Sprint(math.Floor(float64(familiarity.Value)*1000) / 1000)
}
