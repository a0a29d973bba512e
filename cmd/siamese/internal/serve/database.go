package serve

import (
	"context"
	"errors"
	"log/slog"

	"siamese/gallery"
)

// openDatabase opens the galleries of a database.
func openDatabase(_ context.Context, _ string, _ *slog.Logger) (gallery.Store, error) {
	return nil, errors.New("galleries in PostgreSQL are not built in yet")
}
