package evaluate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"siamese/imaging"
	"siamese/train/dataset"
)

// DefaultQueries is the number of queries where RetrievalConfig says nothing.
const DefaultQueries = 1000

// retrievalStream sets the draws of queries apart from other draws of the same seed.
const retrievalStream = 0x72657472 // "retr"

// RetrievalConfig says what is searched for and among what.
type RetrievalConfig struct {
	Queries int    // at most this many, drawn by seed; 0 = DefaultQueries
	Seed    uint64 // the same seed and dataset give the same queries
	// Of and Among are patterns of class names (see dataset.ReadForbidden): which
	// images are queries, and which are searched. None: all.
	Of, Among []string
	// SameKind searches among images of the query's own kind alone.
	SameKind bool
	// Threshold is the similarity from which an image counts as recognised, 0..1; 0 =
	// DefaultThreshold.
	Threshold float64
	// Forbidden are classes that are neither right nor wrong for each other; nil: none.
	Forbidden *dataset.Forbidden
	// Baselines are measured beside the network.
	Baselines []Baseline
	// Examples is how many pairs of each sort of example are kept; 0: none.
	Examples int
}

// Validate reports the first field that is out of range.
func (c RetrievalConfig) Validate() error {
	if c.Queries < 0 {
		return fmt.Errorf("retrieval: Queries is %d, expected 0 (the default) or more", c.Queries)
	}
	return validateThreshold(c.Threshold)
}

// RetrievalResult is how well each way of scoring finds images of a query's class.
type RetrievalResult struct {
	Queries    int              `json:"queries"`
	Classes    int              `json:"classes"`    // of the queries
	Candidates int              `json:"candidates"` // images that are searched, at most
	Threshold  float64          `json:"threshold"`
	Methods    []RetrievalScore `json:"methods"` // the network's similarity, its embeddings' cosine, the baselines
	Examples   Examples         `json:"-"`       // of queries and images searched, by the similarity
}

// RetrievalScore is one way of scoring. Standard errors are over classes.
type RetrievalScore struct {
	Name string `json:"name"`
	// First is R@1, the share of queries whose nearest image is of their class; a tie
	// with another class counts as wrong.
	First Mean `json:"r_at_1"`
	// Precision is the mean average precision (as in Oxford and Paris, without
	// interpolation), ties the worst way round.
	Precision Mean `json:"map"`
	// Four is UKBench's score (D. Nistér, H. Stewénius, Scalable recognition with a
	// vocabulary tree, 2006): how many of the four nearest images are of the query's
	// class, itself among them, 1 to 4, over classes of four images and more, of which
	// four are searched. 0 where there are none.
	Four Mean `json:"four"`
	// AUC is the chance that an image of the query's class scores above another one,
	// over all queries together, a tie counting half.
	AUC float64 `json:"auc"`
	// Recognised is the share of images of a query's class at or above the threshold,
	// FalselyRecognised that of others; for the similarity alone.
	Recognised        Mean `json:"recognised"`
	FalselyRecognised Mean `json:"falsely_recognised"`
	// RecognisedAt is the share of images of a query's class recognised at the
	// threshold where one in a hundred of the others is, and one in a thousand.
	RecognisedAt []Operating `json:"recognised_at"`
	ROC          []ROCPoint  `json:"-"` // from (0,0) to (1,1)
}

// Retrieval takes each image in turn for a query and ranks others by how alike they are.
// Queries are of classes of two images or more. ErrNoPairs says that there are none, or
// nothing else to tell them from; other errors are the model's.
func Retrieval(ctx context.Context, model Model, d *dataset.Dataset, config RetrievalConfig) (RetrievalResult, error) {
	if err := config.Validate(); err != nil {
		return RetrievalResult{}, err
	}
	if config.Threshold == 0 {
		config.Threshold = DefaultThreshold
	}
	search, err := newSearch(d, config)
	if err != nil {
		return RetrievalResult{}, fmt.Errorf("retrieval: %w", err)
	}
	all, err := scorers(ctx, model, config.Baselines, len(search.images), func(i int) (*imaging.Picture, error) {
		return d.Picture(search.images[i])
	})
	if err != nil {
		return RetrievalResult{}, fmt.Errorf("retrieval: %w", err)
	}
	result := RetrievalResult{Queries: len(search.queries), Candidates: len(search.candidates), Threshold: config.Threshold}
	seen := map[int]bool{}
	for _, query := range search.queries {
		seen[search.class[query]] = true
	}
	result.Classes = len(seen)
	for _, by := range all {
		score, pairs, err := search.score(ctx, by, config.Threshold)
		if err != nil {
			return RetrievalResult{}, fmt.Errorf("retrieval: %s: %w", by.name, err)
		}
		if _, ok := by.ranker.(bySimilarity); ok && config.Examples > 0 {
			result.Examples = pick(pairs, config.Threshold, config.Examples, search.pairings())
		}
		result.Methods = append(result.Methods, score)
	}
	return result, nil
}

// search is what is searched for and among what.
type search struct {
	classes    []dataset.Class
	ambiguity  *dataset.Ambiguity
	sameKind   bool
	images     []dataset.Image // all that are encoded
	class      []int           // of each image
	queries    []int           // indices into images
	candidates []int
	four       map[int]bool // images that UKBench's score searches
}

func newSearch(d *dataset.Dataset, config RetrievalConfig) (*search, error) {
	s := &search{classes: d.Classes(), sameKind: config.SameKind, four: map[int]bool{}}
	s.ambiguity = config.Forbidden.Of(s.classes)
	random := rand.New(rand.NewPCG(config.Seed, retrievalStream))
	for number, class := range s.classes {
		query, candidate := matchesAny(class, config.Of) && len(class.Images) > 1, matchesAny(class, config.Among)
		if !query && !candidate {
			continue
		}
		order := random.Perm(len(class.Images))
		for i, image := range class.Images {
			at := len(s.images)
			s.images, s.class = append(s.images, image), append(s.class, number)
			if query {
				s.queries = append(s.queries, at)
			}
			if candidate {
				s.candidates = append(s.candidates, at)
			}
			s.four[at] = query && candidate && len(order) >= 4 && slices.Index(order, i) < 4
		}
	}
	if len(s.queries) == 0 {
		return nil, fmt.Errorf("%w: received no class of two images among those searched for", ErrNoPairs)
	}
	random.Shuffle(len(s.queries), func(i, j int) { s.queries[i], s.queries[j] = s.queries[j], s.queries[i] })
	limit := config.Queries
	if limit == 0 {
		limit = DefaultQueries
	}
	s.queries = s.queries[:min(limit, len(s.queries))]
	return s, nil
}

// matchesAny reports whether a class fits one of the patterns, or there are none.
func matchesAny(class dataset.Class, patterns []string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, class.Matches)
}

// among lists the images that a query is ranked against.
func (s *search) among(query int) []int {
	class := s.class[query]
	var others []int
	for _, at := range s.candidates {
		other := s.class[at]
		if at == query || other != class && s.ambiguity.Together(class, other) {
			continue
		}
		if s.sameKind && s.classes[other].Alphabet != s.classes[class].Alphabet {
			continue
		}
		others = append(others, at)
	}
	return others
}

// tally gathers what one way of scoring gives.
type tally struct {
	first, precision, four, recognised, falsely estimate
	pairs                                       []Score
}

// pairings names the pairs of all queries by their number.
func (s *search) pairings() func(int) Pairing {
	var first, second []int
	for _, query := range s.queries {
		for _, other := range s.among(query) {
			first, second = append(first, query), append(second, other)
		}
	}
	return func(i int) Pairing {
		a, b := first[i], second[i]
		return Pairing{s.images[a], s.images[b], s.classes[s.class[a]].Name, s.classes[s.class[b]].Name}
	}
}

// score ranks for all queries. It returns each pair too, in the order of pairings.
func (s *search) score(ctx context.Context, by scorer, threshold float64) (RetrievalScore, []Score, error) {
	t := tally{newEstimate(), newEstimate(), newEstimate(), newEstimate(), newEstimate(), nil}
	for _, query := range s.queries {
		others := s.among(query)
		scores, err := by.scores(ctx, query, others)
		if err != nil {
			return RetrievalScore{}, nil, err
		}
		s.count(&t, query, others, scores, threshold)
	}
	curve, err := newROC(t.pairs)
	if err != nil {
		return RetrievalScore{}, nil, err
	}
	result := RetrievalScore{
		Name: by.name, First: t.first.mean(), Precision: t.precision.mean(), Four: t.four.mean(), AUC: curve.area(),
		RecognisedAt: []Operating{curve.operating(0.01), curve.operating(0.001)}, ROC: curve.corners(),
	}
	if _, ok := by.ranker.(bySimilarity); ok {
		result.Recognised, result.FalselyRecognised = t.recognised.mean(), t.falsely.mean()
	}
	return result, t.pairs, nil
}

// count adds one query's ranking.
func (s *search) count(t *tally, query int, others []int, scores []float64, threshold float64) {
	class := s.classes[s.class[query]].Name
	ranked := make([]Score, len(others))
	var inFour []Score
	for i, other := range others {
		ranked[i] = Score{scores[i], s.class[other] == s.class[query]}
		if s.four[query] && s.four[other] {
			inFour = append(inFour, ranked[i])
		}
		is := &t.falsely
		if ranked[i].Same {
			is = &t.recognised
		}
		is.add(class, indicator(scores[i] >= threshold))
	}
	t.pairs = append(t.pairs, ranked...)
	sortRanking(ranked)
	if !slices.ContainsFunc(ranked, func(s Score) bool { return s.Same }) {
		return // the only image of its class that is searched
	}
	t.first.add(class, indicator(ranked[0].Same))
	t.precision.add(class, averagePrecision(ranked))
	if s.four[query] {
		sortRanking(inFour)
		found := 1.0 // itself
		for _, score := range inFour[:min(3, len(inFour))] {
			found += indicator(score.Same)
		}
		t.four.add(class, found)
	}
}

// sortRanking orders by falling score; of equal ones those of other classes come first,
// so that a network which answers the same to everything gains nothing by it.
func sortRanking(ranked []Score) {
	slices.SortStableFunc(ranked, func(a, b Score) int {
		return cmp.Or(cmp.Compare(b.Similarity, a.Similarity), cmp.Compare(indicator(a.Same), indicator(b.Same)))
	})
}

// averagePrecision is the mean, over the images of the class, of the share of the class
// among all down to that one.
func averagePrecision(ranked []Score) float64 {
	found, sum := 0.0, 0.0
	for i, score := range ranked {
		if score.Same {
			found++
			sum += found / float64(i+1)
		}
	}
	return sum / found
}

func indicator(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func sortedCopy(values []float64) []float64 { return slices.Sorted(slices.Values(values)) }

func sortedKeys[V any](of map[string]V) []string { return slices.Sorted(maps.Keys(of)) }
