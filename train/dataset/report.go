package dataset

import (
	"crypto/sha256"
	"encoding/hex"
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

// Report is what Open found. Names in it are printable.
type Report struct {
	Layout     Layout   // Omniglot or Own
	Classes    int      // classes with at least one readable image
	Images     int      // readable images
	Alphabets  int      // 0 in one's own layout
	Hidden     int      // hidden files and folders that were passed over; a folder counts once
	NotImages  int      // files that are no image by their first bytes nor by their names, and links in circles
	Others     string   // those files by extension, "3 .txt, 1 .md"; empty where there are none
	Unreadable []string // "name: reason" of each image that was left out, sorted; only with Skip
	Summary    string   // those by extension and by what they are: "9 .heic, 2 .png (HTML)"
	// Lost are the outermost folders without a readable image, each with what lies
	// there: "dog: 6 .heic". What should be a class is none.
	Lost     []string
	Repeated []string // names that the archive has more than once; of each the last was taken
	// Digest tells the data: 64 hex digits that depend on the readable images' names and
	// bytes alone, not on where they lie or whether they are packed.
	Digest string
}

// passedOver is what Open found beside readable images.
type passedOver struct {
	listed             listing
	unreadable, others []*file
}

func (d *Dataset) report(form arrangement, readable []*file, beside passedOver) Report {
	report := Report{
		Layout:    form.layout,
		Classes:   len(d.classes),
		Alphabets: len(d.Alphabets()),
		Images:    len(readable),
		Hidden:    beside.listed.hidden,
		NotImages: beside.listed.irregular + len(beside.others),
		Others:    summary(beside.others),
		Lost:      withoutPictures(form, beside.listed.folders, readable, slices.Concat(beside.unreadable, beside.others)),
		Repeated:  d.source.tree.Repeated,
		Digest:    digest(form, readable),
	}
	if len(beside.unreadable) > 0 {
		unreadable := unreadableError(form, beside.unreadable)
		report.Unreadable, report.Summary = unreadable.Images, unreadable.Summary
	}
	return report
}

// digest hashes the names and the hashes of files, which are sorted by name.
func digest(form arrangement, files []*file) string {
	hash := sha256.New()
	for _, f := range files {
		fmt.Fprintf(hash, "%q %x\n", form.name(f), f.sum)
	}
	return hex.EncodeToString(hash.Sum(nil))
}
