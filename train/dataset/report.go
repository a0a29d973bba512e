package dataset

import (
	"fmt"
	"slices"
)

// Unreadable says what becomes of images that cannot be decoded.
type Unreadable int

const (
	// Stop makes Open fail with an *UnreadableError that names them all.
	Stop Unreadable = iota
	// Skip leaves them out and lists them in the Report.
	Skip
)

var unreadableNames = []string{"stop", "skip"}

// ParseUnreadable reads "stop" or "skip".
func ParseUnreadable(name string) (Unreadable, error) {
	i := slices.Index(unreadableNames, name)
	if i < 0 {
		return 0, fmt.Errorf("dataset: unreadable is %q, expected one of %q", name, unreadableNames)
	}
	return Unreadable(i), nil
}

// String names the choice as ParseUnreadable reads it.
func (u Unreadable) String() string {
	if !u.known() {
		return fmt.Sprintf("Unreadable(%d)", int(u))
	}
	return unreadableNames[u]
}

func (u Unreadable) known() bool {
	return u >= 0 && int(u) < len(unreadableNames)
}

// Report is what Open found.
type Report struct {
	Layout     Layout   // Omniglot or Own
	Classes    int      // classes with at least one readable image
	Images     int      // readable images
	Alphabets  int      // 0 in one's own layout
	Hidden     int      // hidden files and folders that were passed over; a folder counts once
	NotImages  int      // files that are no image by their first bytes, and links in circles
	Unreadable []string // "name: reason" of each image that was left out, sorted; only with Skip
}

func (d *Dataset) report(layout Layout, hidden, notImages int, unreadable []string) Report {
	report := Report{
		Layout:     layout,
		Classes:    len(d.classes),
		Alphabets:  len(d.Alphabets()),
		Hidden:     hidden,
		NotImages:  notImages,
		Unreadable: unreadable,
	}
	for _, class := range d.classes {
		report.Images += len(class.Images)
	}
	return report
}
