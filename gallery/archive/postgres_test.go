package archive_test

import (
	"bytes"
	"testing"

	"siamese/gallery/archive"
	"siamese/gallery/postgres"
	"siamese/internal/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// TestPostgres takes a gallery from files into PostgreSQL, and back.
func TestPostgres(t *testing.T) {
	database, err := postgres.Open(t.Context(), postgres.Config{URL: postgrestest.Start(t).Database(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	files := open(t)
	fill(t, files, "a", 150)
	written := backup(t, files, "a")
	if err := archive.Restore(t.Context(), database, "a", bytes.NewReader(written)); err != nil {
		t.Fatal(err)
	}
	same(t, files, "a", database, "a")
	again := backup(t, database, "a")
	if !bytes.Equal(written, again) {
		t.Errorf("the backup of PostgreSQL has %d bytes and differs, want the %d of the files' backup", len(again), len(written))
	}
	if err := archive.Restore(t.Context(), files, "b", bytes.NewReader(again)); err != nil {
		t.Fatal(err)
	}
	same(t, files, "a", files, "b")
}
