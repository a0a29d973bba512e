package compare

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"siamese"
	"siamese/client"
	"siamese/cmd/internal/network"
	"siamese/tfmodel/builtin"
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
		for _, model := range builtin.All() {
			l.names = append(l.names, model.Name)
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
		FamiliarityA: told(result.A), FamiliarityB: told(result.B), Warning: warning(model, result, "The first image is", "The second image is"),
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
	most := make(map[int]float32) // by the candidate's index
	for i := range l.names {
		var foreign []int
		for _, match := range ranked.Matches {
			if match.A.Foreign && match.B.Foreign {
				foreign = append(foreign, match.Index)
			}
			if least := leastOf(match.Result); i == 0 || least > most[match.Index] {
				most[match.Index] = least
				put(&ranking, match, model)
			}
		}
		if len(foreign) == 0 || i+1 == len(l.names) {
			break
		}
		if model, err = l.model(ctx, i+1); err != nil {
			return client.Ranking{}, err
		}
		slices.Sort(foreign)
		var again [][]byte
		for _, index := range foreign {
			again = append(again, candidates[index])
		}
		if ranked, err = rankBy(ctx, model, query, again); err != nil {
			return client.Ranking{}, err
		}
		for j := range ranked.Matches {
			ranked.Matches[j].Index = foreign[ranked.Matches[j].Index]
		}
	}
	slices.SortStableFunc(ranking.Matches, func(a, b client.Match) int {
		return cmp.Or(cmp.Compare(b.Similarity, a.Similarity), cmp.Compare(a.Index, b.Index))
	})
	return ranking, nil
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

// put puts a match in a ranking, in place of an earlier one of the candidate.
func put(ranking *client.Ranking, match siamese.Match, model *siamese.Model) {
	answer := client.Match{
		Index: match.Index, Similarity: match.Similarity, Same: match.Same, Model: model.Name(),
		Familiarity: told(match.B), Warning: warning(model, match.Result, "The query is", "The candidate is"),
	}
	i := slices.IndexFunc(ranking.Matches, func(m client.Match) bool { return m.Index == match.Index })
	if i < 0 {
		ranking.Matches = append(ranking.Matches, answer)
	} else {
		ranking.Matches[i] = answer
	}
	if ranking.Familiarity == nil || match.A.Value > ranking.Familiarity.Value {
		ranking.Familiarity = told(match.A)
	}
}

// told is a familiarity as a server tells it; nil where the model does not.
func told(familiarity siamese.Familiarity) *client.Familiarity {
	if math.IsNaN(float64(familiarity.Value)) {
		return nil
	}
	return &client.Familiarity{Value: familiarity.Value, Foreign: familiarity.Foreign}
}

// warning is a sentence as a server has it, of the images as first and second call them;
// empty where the model knows both or does not tell.
func warning(model *siamese.Model, result siamese.Result, first, second string) string {
	a, b := result.A, result.B
	who, familiarity := "", ""
	switch {
	case a.Foreign && b.Foreign:
		who, familiarity = "Both images are", rounded(a)+" and "+rounded(b)
	case a.Foreign:
		who, familiarity = first, rounded(a)
	case b.Foreign:
		who, familiarity = second, rounded(b)
	default:
		return ""
	}
	return fmt.Sprintf("%s unlike the pictures that the model %s knows (familiarity %s, bound %v): the similarity means little.",
		who, model.Name(), familiarity, a.Bound)
}

// rounded is a familiarity in thousandths, rounded down: what is below a bound does
// not look equal to it.
func rounded(familiarity siamese.Familiarity) string {
	return fmt.Sprint(math.Floor(float64(familiarity.Value)*1000) / 1000)
}
