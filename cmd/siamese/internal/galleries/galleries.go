// Package galleries says where galleries are that are kept in this machine's files, and
// opens them.
package galleries

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"siamese/gallery"
	"siamese/gallery/embedded"
)

// ErrNoHome says that there is no folder for galleries by default.
var ErrNoHome = errors.New("neither XDG_DATA_HOME nor HOME is set: --galleries DIR says where to keep galleries")

// Default is the folder of galleries where none is named: what a user makes is not a
// cache that may be emptied.
func Default() (string, error) {
	if data := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(data) {
		return filepath.Join(data, "siamese", "galleries"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil || !filepath.IsAbs(home) {
		return "", ErrNoHome
	}
	return filepath.Join(home, ".local", "share", "siamese", "galleries"), nil
}

// Open opens the store of a folder; empty: the default one. The caller closes it.
func Open(folder string, logger *slog.Logger) (gallery.Store, error) {
	if folder == "" {
		var err error
		if folder, err = Default(); err != nil {
			return nil, err
		}
	}
	store, err := embedded.Open(embedded.Config{Dir: folder, Log: logger})
	if err != nil {
		return nil, fmt.Errorf("galleries: %w", err)
	}
	return store, nil
}
