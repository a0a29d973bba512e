package datasets

import (
	"context"

	"siamese/train/strokes"
)

// TwinsPerClass is how many twins are made of a class: with those that are turned and
// mirrored, more than a run of minutes draws.
const TwinsPerClass = 12

// OpenStrokes reads recorded strokes from folders and zip files. Without places it returns nil,
// which is a library of none.
func OpenStrokes(ctx context.Context, places []string) (*strokes.Library, error) {
	if len(places) == 0 {
		return nil, nil //nolint:nilnil // all drawings are traced
	}
	return strokes.Open(ctx, places...)
}
