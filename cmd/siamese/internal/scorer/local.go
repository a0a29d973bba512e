package scorer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"siamese"
	"siamese/cmd/internal/network"
	"siamese/imaging"
)

// local runs models in this process. Of several, pictures that are foreign to the
// first are shown to the next as well, and a pair is answered by the one to which both
// are the most familiar, as a server does it.
type local struct {
	open   func(ctx context.Context, name string) (*siamese.Model, error)
	names  []string         // in the order in which they are tried
	models []*siamese.Model // those that are open
	side   *side
	views  int // of a picture that are scored, from 1
	// prepared is as in Model.
	prepared string

	// seen are the hashes of files that were read, known what models made of them.
	seen  *cache[string, hash]
	known *cache[knownKey, siamese.Encoded]
}

// knownKey is a picture to a model, by its place in names.
type knownKey struct {
	model   int
	picture hash
	inViews bool // in all views that are scored, else the picture alone
}

// What is kept of pictures: some 150 bytes a name, up to 20 KB an embedding, of which
// each view has one.
const (
	mostSeen  = 100_000
	mostKnown = 8_192
)

// atOnce is how many pairs or pictures are scored in one go: few enough that progress
// moves and Ctrl-C is soon heard, many enough to fill a GPU's batch.
const atOnce = 64

// openLocal opens the model of the flags, of the built-in ones the first: the next is
// opened when a picture asks for it.
func (f Flags) openLocal(ctx context.Context, side *side, score ScoreFlags) (*local, error) {
	l := &local{
		names: []string{f.Model}, side: side, views: score.views(),
		prepared: fmt.Sprintf("imaging %d, %s, %s, %s, %s", imaging.Version, imaging.JPEGDecoder, f.Rule(), f.Transparency(), f.Precision),
		seen:     newCache[string, hash](mostSeen), known: newCache[knownKey, siamese.Encoded](max(mostKnown/score.views(), 2*atOnce)),
	}
	l.open = func(ctx context.Context, name string) (*siamese.Model, error) {
		return siamese.Open(ctx, name, siamese.Options{
			Run: f.Options(network.Warnings()), Cache: f.Cache, Log: network.Warnings(), Threshold: score.Threshold, TestTimeViews: score.views(),
			Rule: f.Rule(), Alpha: f.Transparency(), Limits: side.inspector.Config().Limits,
		})
	}
	if f.Model == "" || f.Model == auto {
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

// name is a model's as --model has it: a built-in one's, else that of the card.
func (l *local) name(i int) string {
	for _, model := range network.BuiltIn() {
		if model.Path == l.names[i] {
			return model.Name
		}
	}
	return l.models[i].Name()
}

// Close closes the models.
func (l *local) Close() error {
	var errs []error
	for _, model := range l.models {
		errs = append(errs, model.Close())
	}
	return errors.Join(errs...)
}

// Chosen implements Scorer.
func (l *local) Chosen(context.Context) (bool, error) { return len(l.names) > 1, nil }

// answer is what a model says of a pair.
type answer struct {
	siamese.Result
	model int
	err   error // a *PictureError
}

// least is the familiarity of the less familiar image, 0 where the model does not
// tell.
func (a answer) least() float32 {
	least := min(a.A.Value, a.B.Value)
	if math.IsNaN(float64(least)) {
		return 0
	}
	return least
}

func (l *local) score(a answer) Score {
	model := l.models[a.model]
	return Score{
		Similarity: a.Similarity, Threshold: model.Threshold(), Same: a.Same, Model: l.name(a.model), Card: model.Name(),
		FamiliarityA: told(a.A), FamiliarityB: told(a.B),
	}
}

// answers asks one model after the other, until each pair has its answer. Of candidates,
// the second pictures, one view is scored.
func (l *local) answers(ctx context.Context, pairs []Pair, areCandidates bool) ([]answer, error) {
	best := make([]answer, len(pairs))
	open := make([]int, len(pairs)) // the pairs that the next model is asked about
	for i := range pairs {
		best[i].model, open[i] = -1, i
	}
	for number := range l.names {
		if len(open) == 0 {
			break
		}
		asked := make([]Pair, len(open))
		for i, index := range open {
			asked[i] = pairs[index]
		}
		given, err := l.ask(ctx, number, asked, areCandidates)
		if err != nil {
			return nil, err
		}
		var next []int
		for i, a := range given {
			index := open[i]
			if best[index].model < 0 || a.least() > best[index].least() {
				best[index] = a
			}
			if a.err == nil && a.A.Foreign && a.B.Foreign {
				next = append(next, index)
			}
		}
		open = next
	}
	return best, nil
}

// encodePairs encodes the pictures of pairs, those of each side by side: in all views, of
// candidates in one.
func (l *local) encodePairs(ctx context.Context, number int, pairs []Pair, areCandidates bool) ([]siamese.Encoded, []error, error) {
	var pictures, candidates []Picture
	for _, pair := range pairs {
		pictures = append(pictures, pair.A)
		if areCandidates && l.views > 1 {
			candidates = append(candidates, pair.B)
			continue
		}
		pictures = append(pictures, pair.B)
	}
	encoded, errs, err := l.encode(ctx, number, pictures, l.views > 1)
	if err != nil || len(candidates) == 0 {
		return encoded, errs, err
	}
	others, otherErrs, err := l.encode(ctx, number, candidates, false)
	if err != nil {
		return nil, nil, err
	}
	for i := range others {
		encoded, errs = slices.Insert(encoded, 2*i+1, others[i]), slices.Insert(errs, 2*i+1, otherErrs[i])
	}
	return encoded, errs, nil
}

// ask has one model score pairs.
func (l *local) ask(ctx context.Context, number int, pairs []Pair, areCandidates bool) ([]answer, error) {
	encoded, errs, err := l.encodePairs(ctx, number, pairs, areCandidates)
	if err != nil {
		return nil, err
	}
	answers := make([]answer, len(pairs))
	for i := range pairs {
		answers[i].model = number
		if place := slices.IndexFunc(errs[2*i:2*i+2], func(err error) bool { return err != nil }); place >= 0 {
			answers[i].err = &PictureError{Index: place, Name: []Picture{pairs[i].A, pairs[i].B}[place].Name, Err: errs[2*i+place]}
			continue
		}
		answers[i].Result, err = l.models[number].Compare(ctx, encoded[2*i].Image(), encoded[2*i+1].Image())
		if err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// Pairs implements Scorer.
func (l *local) Pairs(ctx context.Context, pairs []Pair) ([]Result, error) {
	var results []Result
	for some := range slices.Chunk(pairs, atOnce) {
		answers, err := l.answers(ctx, some, false)
		if err != nil {
			return nil, err
		}
		for _, a := range answers {
			result := Result{Err: a.err}
			if a.err == nil {
				result.Score = l.score(a)
				result.Warning = pairWarning(result.Model, a.A, a.B)
			}
			results = append(results, result)
		}
	}
	return results, nil
}

// Compare implements Scorer.
func (l *local) Compare(ctx context.Context, pair Pair, prepared bool) (Comparison, error) {
	answers, err := l.answers(ctx, []Pair{pair}, false)
	if err != nil {
		return Comparison{}, err
	}
	a := answers[0]
	if a.err != nil {
		return Comparison{}, a.err
	}
	comparison := Comparison{Score: l.score(a)}
	comparison.Warning = pairWarning(comparison.Model, a.A, a.B)
	if !prepared {
		return comparison, nil
	}
	for i, to := range []*[]byte{&comparison.PreparedA, &comparison.PreparedB} {
		picture := []Picture{pair.A, pair.B}[i]
		if *to, err = l.png(l.models[a.model], picture); err != nil {
			return Comparison{}, &PictureError{Index: i, Name: picture.Name, Err: pictureFailure(err)}
		}
	}
	return comparison, nil
}

// png is a picture as a model sees it.
func (l *local) png(model *siamese.Model, picture Picture) ([]byte, error) {
	data, err := picture.Read(l.side.maxBytes())
	if err != nil {
		return nil, err
	}
	prepared, err := model.Prepare(siamese.Bytes(data))
	if err != nil {
		return nil, err
	}
	return prepared.PNG()
}

// Rank implements Scorer.
func (l *local) Rank(ctx context.Context, query Picture, candidates []Picture, progress func(int)) (Ranking, error) {
	_, errs, err := l.encode(ctx, 0, []Picture{query}, l.views > 1)
	if err != nil {
		return Ranking{}, err
	}
	if errs[0] != nil {
		return Ranking{}, &PictureError{Name: query.Name, Err: errs[0]}
	}
	answers := make([]answer, 0, len(candidates))
	for some := range slices.Chunk(candidates, atOnce) {
		pairs := make([]Pair, len(some))
		for i, candidate := range some {
			pairs[i] = Pair{query, candidate}
		}
		given, err := l.answers(ctx, pairs, true)
		if err != nil {
			return Ranking{}, err
		}
		answers = append(answers, given...)
		if progress != nil {
			progress(len(answers))
		}
	}
	return l.ranking(candidates, answers), nil
}

// ranking sorts answers. That the query is foreign is told once, where it is so to the
// model that knows it best.
func (l *local) ranking(candidates []Picture, answers []answer) Ranking {
	var ranking Ranking
	query := answer{model: -1} // the one whose model knows the query best
	for i, a := range answers {
		switch failure, _ := errors.AsType[*PictureError](a.err); {
		case failure != nil:
			ranking.Failed = append(ranking.Failed, &PictureError{Index: i, Name: candidates[i].Name, Err: failure.Err})
		case query.model < 0 || a.A.Value > query.A.Value:
			query = a
		}
	}
	if query.A.Foreign {
		ranking.Warning = sentence("The query is", l.name(query.model), shown(query.A), query.A.Bound, ofAll)
	}
	for i, a := range answers {
		if a.err != nil {
			continue
		}
		match := Match{Index: i, Score: l.score(a)}
		switch {
		case a.B.Foreign:
			match.Warning = sentence("The candidate is", match.Model, shown(a.B), a.B.Bound, ofOneScore)
		case a.A.Foreign && !query.A.Foreign:
			match.Warning = sentence("The query is", match.Model, shown(a.A), a.A.Bound, ofOneScore)
		}
		ranking.Matches = append(ranking.Matches, match)
	}
	sortMatches(ranking.Matches)
	return ranking
}

// sortMatches puts the most similar first, equal ones by their index.
func sortMatches(matches []Match) {
	slices.SortFunc(matches, func(a, b Match) int {
		return cmp.Or(cmp.Compare(b.Similarity, a.Similarity), cmp.Compare(a.Index, b.Index))
	})
}

// Embedder implements Scorer.
func (l *local) Embedder(ctx context.Context) (Model, error) {
	model, err := l.model(ctx, 0)
	if err != nil {
		return Model{}, err
	}
	return Model{
		Name: l.name(0), Card: model.Name(), Digest: model.Digest(), Length: model.EmbeddingLength(),
		Threshold: model.Threshold(), Prepared: l.prepared,
	}, nil
}

// Embed implements Scorer, by the first of the models.
func (l *local) Embed(ctx context.Context, pictures []Picture) ([]Embedding, error) {
	var embeddings []Embedding
	for some := range slices.Chunk(pictures, atOnce) {
		thumbnails := make([]*imaging.Picture, len(some))
		encoded, errs, err := l.encodeWith(ctx, 0, some, thumbnails, l.views > 1)
		if err != nil {
			return nil, err
		}
		for i, err := range errs {
			if err != nil {
				embeddings = append(embeddings, Embedding{Err: &PictureError{Index: len(embeddings), Name: some[i].Name, Err: err}})
				continue
			}
			embeddings = append(embeddings, Embedding{
				Values: encoded[i].Embedding, Moved: encoded[i].Moved(), Familiarity: told(encoded[i].Familiarity), Thumbnail: thumbnails[i],
			})
		}
	}
	return embeddings, nil
}
