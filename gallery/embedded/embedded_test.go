package embedded_test

import (
	"testing"

	"siamese/gallery"
	"siamese/gallery/embedded"
	"siamese/gallery/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) gallery.Store { return open(t, t.TempDir()) })
}

// open opens a store, which the test may close.
func open(t testing.TB, dir string) *embedded.Store {
	t.Helper()
	store, err := embedded.Open(embedded.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}
