package record

import (
	"fmt"
	"io"

	"siamese/train/checkpoint"
)

// Save writes the file as a whole: to a temporary name beside it, synced, then
// renamed. Whoever reads the path sees the old content or the new, never a part.
func Save(path string, content []byte) error {
	err := checkpoint.Replace(path, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
	if err != nil {
		return fmt.Errorf("save %q: %w", path, err)
	}
	return nil
}
