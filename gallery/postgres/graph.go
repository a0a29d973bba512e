package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// How the graph of an index is made.
const (
	// graphCandidates for links are looked at. Of 100,000 sparse embeddings in 57 groups
	// that are alike, 40 links and 400 candidates lose 3 in 100, 48 and 100 twice as many,
	// and 96 and 192 about 2 in a graph that is half as large again.
	graphCandidates = 400
	// sampled entries are searched by their own vectors. Where more than one of
	// lostTolerated is not found, the graph is made again with more links: entries of large
	// groups that are alike, with all others equally far, may get no link that leads to
	// them. That takes twice as long.
	sampled       = 300
	lostTolerated = 20
)

// graphLinks are those of an entry, first and in the end: pgvector's bound is 100.
var graphLinks = []int{40, 96}

// makeGraph makes the table's indexes, beside those that write to it. What an earlier
// try left is made again.
func (b *builder) makeGraph(ctx context.Context) error {
	table := b.names.near(b.number)
	name := fmt.Sprintf("near_%d_graph", b.number)
	vector := typeOf(b.info.EmbeddingLength)
	steps := []string{
		fmt.Sprintf("SET maintenance_work_mem = %d", b.config.BuildMemory>>10), // in kB
		fmt.Sprintf("CREATE INDEX IF NOT EXISTS near_%d_wide ON %s (entry) WHERE wide", b.number, table),
		"ANALYZE " + table,
	}
	for try, links := range graphLinks {
		steps = append(steps, "DROP INDEX IF EXISTS "+b.names.table(name),
			fmt.Sprintf("CREATE INDEX CONCURRENTLY %s ON %s USING hnsw (near %s) WITH (m = %d, ef_construction = %d) WHERE NOT wide",
				pgx.Identifier{name}.Sanitize(), table, b.names.vector(vector+"_l1_ops"), links, graphCandidates))
		if err := b.run(ctx, steps); err != nil {
			return dropped(err)
		}
		lost, of, err := b.sample(ctx)
		if err != nil {
			return dropped(err)
		}
		if lost*lostTolerated <= of {
			break
		}
		b.config.Log.Warn("the graph does not reach some entries", "gallery", b.info.Name, "links", links, "lost", lost, "of", of, "again", try+1 < len(graphLinks))
		steps = nil
	}
	return b.tellWide(ctx)
}

// run runs statements that make an index. Where processes that build it together lack
// memory to share, of which containers have little, one process builds it.
func (b *builder) run(ctx context.Context, steps []string) error {
	for i := 0; i < len(steps); i++ {
		_, err := b.conn.Exec(ctx, steps[i])
		if code(err) == diskFull && i > 0 {
			b.config.Log.Warn("the index is built by one process, since several had too little shared memory", "err", err)
			_, err = b.conn.Exec(ctx, "SET max_parallel_maintenance_workers = 0")
			if err == nil {
				_, err = b.conn.Exec(ctx, steps[i-1]) // drops what there is of the index
			}
			if err == nil {
				_, err = b.conn.Exec(ctx, steps[i])
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sample returns how many of some entries the graph does not find by their own vectors.
func (b *builder) sample(ctx context.Context) (lost, of int, err error) {
	table, distance := b.names.near(b.number), b.names.distance()
	batch := &pgx.Batch{}
	batch.Queue(searchSettings, fmt.Sprint(minSearch))
	batch.Queue(fmt.Sprintf(`SELECT count(*) FILTER (WHERE found.near %s own.near > 0), count(*) FROM
		(SELECT near FROM %s WHERE NOT wide ORDER BY random() LIMIT %d) own
		CROSS JOIN LATERAL (SELECT n.near FROM %s n WHERE NOT n.wide ORDER BY n.near %s own.near LIMIT 1) found`,
		distance, table, sampled, table, distance)).QueryRow(func(row pgx.Row) error { return row.Scan(&lost, &of) })
	return lost, of, b.conn.SendBatch(ctx, batch).Close()
}

// tellWide says how many entries are compared with each query.
func (b *builder) tellWide(ctx context.Context) error {
	var wide int
	err := b.conn.QueryRow(ctx, "SELECT count(*) FROM "+b.names.near(b.number)+" WHERE wide").Scan(&wide)
	if err == nil && wide > 0 {
		b.config.Log.Warn(fmt.Sprintf("pgvector's index takes no embedding with more than %d numbers that are not 0: each query is compared with all those entries", maxIndexed),
			"gallery", b.info.Name, "entries", wide)
	}
	return dropped(err)
}
