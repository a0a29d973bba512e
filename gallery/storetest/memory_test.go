package storetest_test

import (
	"testing"

	"siamese/gallery"
	"siamese/gallery/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) gallery.Store { return storetest.NewMemory() })
}
