package datasets

import (
	"bytes"
	"fmt"
	"strings"

	"siamese/internal/regular"
	"siamese/train/dataset"
)

// maxListBytes bounds files of names, which have some kilobytes.
const maxListBytes = 16 << 20

// ReadForbidden reads a file of classes that must not count as different (docs/training.md);
// "" is none, for which it returns nil.
func ReadForbidden(file string) (*dataset.Forbidden, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // nothing is forbidden
	}
	content, err := regular.Read(file, maxListBytes)
	if err != nil {
		return nil, err
	}
	forbidden, err := dataset.ReadForbidden(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return forbidden, nil
}

// readNames reads names one a line; what follows a # is a remark.
func readNames(file string) ([]string, error) {
	content, err := regular.Read(file, maxListBytes)
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range strings.Lines(string(content)) {
		line, _, _ = strings.Cut(line, "#")
		if name := strings.TrimSpace(line); name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s names nothing, expected a name on each line", file)
	}
	return names, nil
}

// maxNamed bounds how many names a line of the log has.
const maxNamed = 10

// Shortened lists names for a line of the log, the first few of many.
func Shortened(names []string) string {
	text := strings.Join(names[:min(len(names), maxNamed)], ", ")
	if more := len(names) - maxNamed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
