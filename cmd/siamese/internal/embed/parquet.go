package embed

import (
	"io"

	"github.com/parquet-go/parquet-go"

	"siamese/cmd/siamese/internal/scorer"
)

// record is a row of a Parquet file.
type record struct {
	Name        string    `parquet:"name"`
	Embedding   []float32 `parquet:"embedding,list"`
	Familiarity *float32  `parquet:"familiarity,optional"` // null where the model tells none
	Foreign     *bool     `parquet:"foreign,optional"`
}

// rowsAGroup bounds what is held before it is written: 40 MB of the longest
// embeddings.
const rowsAGroup = 2048

// table of Parquet; pictures that could not be used have no row.
type parquetTable struct {
	writer *parquet.GenericWriter[record]
	rows   int
}

func newParquet(w io.Writer, _ string, model scorer.Model) (table, error) {
	writer := parquet.NewGenericWriter[record](w, parquet.Compression(&parquet.Zstd))
	writer.SetKeyValueMetadata("siamese.model", model.Name)
	writer.SetKeyValueMetadata("siamese.digest", model.Digest)
	return &parquetTable{writer: writer}, nil
}

func (p *parquetTable) write(r row) error {
	if r.Err != nil {
		return nil
	}
	own := record{Name: r.name, Embedding: r.Values}
	if r.Familiarity != nil {
		own.Familiarity, own.Foreign = &r.Familiarity.Value, &r.Familiarity.Foreign
	}
	if _, err := p.writer.Write([]record{own}); err != nil {
		return err
	}
	if p.rows++; p.rows%rowsAGroup == 0 {
		return p.writer.Flush()
	}
	return nil
}

func (p *parquetTable) close() error { return p.writer.Close() }
