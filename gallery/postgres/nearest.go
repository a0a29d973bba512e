package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"siamese/gallery"
)

// How an index is searched: it looks at more entries than are wanted, since some of the
// nearest are found late.
const (
	searchFactor = 2
	minSearch    = 400
	maxSearch    = 1000 // pgvector's bound
)

// searchSettings are those of a transaction that searches: entries that a filter leaves
// out are made up for, and the graph is used, whatever the planner thinks of it.
const searchSettings = `SELECT set_config('hnsw.ef_search', $1, true), set_config('hnsw.iterative_scan', 'strict_order', true),
	set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)`

// Nearest returns the entries that are nearest to a query.
func (s *Store) Nearest(ctx context.Context, name string, query gallery.Query) (candidates []gallery.Candidate, err error) {
	if query.Limit < 1 {
		return nil, refuse("received a limit of %d entries, expected 1 or more", query.Limit)
	}
	digest := digestOf(query.Metric)
	err = s.read(ctx, "search", func() error {
		g, err := s.find(ctx, s.pool, name, "")
		if err != nil {
			return err
		}
		if err := fits(g.info, query.Metric); err != nil {
			return err
		}
		if query.Embedding.Length() != g.info.EmbeddingLength {
			return refuse("received an embedding of %d numbers, expected %d", query.Embedding.Length(), g.info.EmbeddingLength)
		}
		candidates, err = s.nearest(ctx, &g, query, digest)
		return dropped(err)
	})
	return candidates, err
}

// fits returns why a metric isn't one of a gallery's model.
func fits(info gallery.Info, metric *gallery.Metric) error {
	if metric.ModelDigest() != info.ModelDigest {
		return refuse("received a metric of the model %.16q…, expected one of %.16q…", metric.ModelDigest(), info.ModelDigest)
	}
	if n := len(metric.Weights()); n != info.EmbeddingLength {
		return refuse("received a metric of %d weights, expected %d", n, info.EmbeddingLength)
	}
	return nil
}

func (s *Store) nearest(ctx context.Context, g *found, query gallery.Query, digest metricDigest) ([]gallery.Candidate, error) {
	if !canSelect(query.Filter) {
		return nil, nil
	}
	at := slices.IndexFunc(g.indexes, func(i index) bool { return i.ready && i.metric == digest })
	if at < 0 {
		candidates, seen, err := s.scan(ctx, g, query)
		if err == nil && seen >= s.config.IndexFrom {
			s.buildInBackground(g.info.Name, query.Metric, digest)
		}
		return candidates, err
	}
	few, err := s.selectsFew(ctx, g, query.Filter)
	if err != nil {
		return nil, err
	}
	if !few {
		candidates, err := s.search(ctx, g, g.indexes[at].number, query)
		if err != nil || len(candidates) == query.Limit || len(query.Filter) == 0 {
			return candidates, err
		}
		// The entries that the filter selects are all far off.
	}
	candidates, _, err := s.scan(ctx, g, query)
	return candidates, err
}

// selectsFew reports whether a filter selects so few entries that looking at all of
// them is the faster way, and the exact one.
func (s *Store) selectsFew(ctx context.Context, g *found, filter gallery.Filter) (few bool, err error) {
	if len(filter) == 0 {
		return false, nil
	}
	err = s.pool.QueryRow(ctx, "SELECT count(*) < $3 FROM (SELECT FROM "+s.names.table("entries")+
		" WHERE gallery = $1 AND metadata @> $2 LIMIT $3) AS selected", g.number, filter, s.config.IndexFrom).Scan(&few)
	return few, err
}

// search asks an index.
func (s *Store) search(ctx context.Context, g *found, number int64, query gallery.Query) ([]gallery.Candidate, error) {
	vector := near(query.Embedding, query.Metric)
	var candidates []gallery.Candidate
	batch := &pgx.Batch{}
	batch.Queue(searchSettings, fmt.Sprint(min(max(minSearch, searchFactor*query.Limit), maxSearch)))
	args := []any{vector.data, g.number, g.info.ModelDigest, metadataOf(query.Filter)}
	collect := func(rows pgx.Rows) error {
		entries, err := pgx.CollectRows(rows, scanEntry)
		for _, e := range entries {
			candidates = append(candidates, gallery.Candidate{Entry: e, Distance: query.Metric.Distance(query.Embedding, e.Embedding)})
		}
		return err
	}
	batch.Queue(s.searchSQL(g, number, "NOT wide", "n.near %s $1::%s", query.Limit), args...).Query(collect)
	if typeOf(g.info.EmbeddingLength) == typeSparse {
		// Those that the graph has not. The sum keeps PostgreSQL from looking there.
		batch.Queue(s.searchSQL(g, number, "wide", "(n.near %s $1::%s) + 0", query.Limit), args...).Query(collect)
	}
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, err
	}
	slices.SortFunc(candidates, nearer)
	return candidates[:min(len(candidates), query.Limit)], nil
}

// searchSQL selects entries of a gallery ($2), a model ($3) and with metadata ($4) by
// their distance from a vector ($1). Each is looked up by itself, in the order in which
// the graph brings them.
func (s *Store) searchSQL(g *found, number int64, which, distance string, limit int) string {
	vector := s.names.vector(typeOf(g.info.EmbeddingLength))
	return fmt.Sprintf(`SELECT e.* FROM %s n CROSS JOIN LATERAL (SELECT %s FROM %s
		WHERE number = n.entry AND gallery = $2 AND model_digest = $3 AND metadata @> $4 OFFSET 0) e
		WHERE %s ORDER BY `+distance+` LIMIT %d`,
		s.names.near(number), columns(gallery.Parts{Embedding: true}), s.names.table("entries"), which,
		s.names.distance(), vector, limit)
}

// metadataOf is a filter that is not nil, which would be JSON's null.
func metadataOf(filter gallery.Filter) gallery.Filter {
	if filter == nil {
		return gallery.Filter{}
	}
	return filter
}

// nearer orders candidates; equal ones by their ids.
func nearer(a, b gallery.Candidate) int {
	return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.ID, b.ID))
}

// scan looks at all entries of the gallery's model that the filter selects, and says
// how many there were.
func (s *Store) scan(ctx context.Context, g *found, query gallery.Query) (candidates []gallery.Candidate, seen int, err error) {
	rows, err := s.pool.Query(ctx, "SELECT "+columns(gallery.Parts{Embedding: true})+" FROM "+s.names.table("entries")+
		" WHERE gallery = $1 AND model_digest = $2 AND metadata @> $3", g.number, g.info.ModelDigest, metadataOf(query.Filter))
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	best := nearestOf{limit: query.Limit}
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return nil, 0, err
		}
		if e.Embedding.Length() != g.info.EmbeddingLength {
			return nil, 0, fmt.Errorf("%w: the entry %q has an embedding of %d numbers, expected %d", gallery.ErrDamaged, e.ID, e.Embedding.Length(), g.info.EmbeddingLength)
		}
		seen++
		best.add(gallery.Candidate{Entry: e, Distance: query.Metric.Distance(query.Embedding, e.Embedding)})
	}
	return best.sorted(), seen, rows.Err()
}

// nearestOf keeps the nearest candidates of those that are added.
type nearestOf struct {
	limit int
	kept  []gallery.Candidate // up to twice as many
}

func (n *nearestOf) add(c gallery.Candidate) {
	n.kept = append(n.kept, c)
	if len(n.kept) >= 2*n.limit && len(n.kept) > minSearch {
		n.kept = n.sorted()
	}
}

func (n *nearestOf) sorted() []gallery.Candidate {
	slices.SortFunc(n.kept, nearer)
	return n.kept[:min(len(n.kept), n.limit)]
}
