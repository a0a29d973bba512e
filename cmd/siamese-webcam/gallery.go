package main

import (
	"errors"
	"fmt"
	"strings"
)

// mostTop is how many things a server tells of at most.
const mostTop = 100

// checkGallery refuses what no gallery takes, and what goes with references alone, or
// with a gallery alone.
func (c *flags) checkGallery() error {
	_, err := pairs(c.Filter)
	switch {
	case c.Gallery == "" && (len(c.Filter) > 0 || c.MinSimilarity != 0):
		return errors.New("--filter and --min-similarity: received one of them without --gallery, expected a gallery to look in")
	case c.Gallery == "":
		return nil
	case len(c.Reference) > 0:
		return fmt.Errorf("--gallery: received --reference %q as well, expected one of the two: a picture is compared with references, or looked up in a gallery", c.Reference[0])
	case c.Model != "":
		return fmt.Errorf("--gallery: received model %q as well (by --model or a variable), expected none: a gallery belongs to a model", c.Model)
	case c.Window != 1:
		return fmt.Errorf("--window: received %d with --gallery, expected 1: one picture is looked up after the other", c.Window)
	case c.Top < 1 || c.Top > mostTop:
		return fmt.Errorf("--top: received %d, expected 1 to %d", c.Top, mostTop)
	case !(c.MinSimilarity >= 0 && c.MinSimilarity <= 1): // so that NaN is refused
		return fmt.Errorf("--min-similarity: received %v, expected 0 to 1", c.MinSimilarity)
	case c.Threshold != nil && !(*c.Threshold >= 0 && *c.Threshold <= 1):
		return fmt.Errorf("--threshold: received %v, expected 0 to 1", *c.Threshold)
	}
	return err
}

// pairs reads the values of --filter.
func pairs(texts []string) (map[string]string, error) {
	all := make(map[string]string, len(texts))
	for _, text := range texts {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("--filter: received %q, expected key=value", text)
		}
		if _, twice := all[key]; twice {
			return nil, fmt.Errorf("--filter: received the key %q twice, expected it once", key)
		}
		all[key] = value
	}
	return all, nil
}
