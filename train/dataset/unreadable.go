package dataset

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"siamese/imaging"
)

// pictureExtensions are those by which people and programs know pictures, in lower
// case: a file of such a name that is no picture is told of.
var pictureExtensions = func() map[string]bool {
	all := map[string]bool{}
	for _, name := range strings.Fields(`jpg jpeg jpe jfif pjpeg jpgm jp2 j2k jpx jxl jxr png apng gif webp bmp dib tif tiff
		heic heif hif avif svg ico cur psd tga pcx ppm pgm pbm pnm exr hdr dng cr2 cr3 nef arw orf rw2 raf pef srw`) {
		all["."+name] = true
	}
	return all
}()

// extension is that of a name, in lower case: ".jpg".
func extension(name string) string { return strings.ToLower(path.Ext(name)) }

// contentKind tells what a file is that is no picture, by its first bytes; "" where they
// don't say.
func contentKind(head []byte) string {
	if len(head) == 0 {
		return "empty"
	}
	if len(bytes.Trim(head, "\x00")) == 0 {
		return "zeros"
	}
	if bytes.Contains(head, []byte("<svg")) {
		return "SVG"
	}
	kind, _, _ := strings.Cut(http.DetectContentType(head), ";")
	switch top, name, _ := strings.Cut(kind, "/"); {
	case kind == "text/html":
		return "HTML"
	case kind == "text/xml":
		return "XML"
	case top == "text":
		return "text"
	case top == "video" || top == "audio":
		return top
	case kind != "application/octet-stream":
		return strings.TrimPrefix(name, "x-")
	}
	return ""
}

// kindOfFault tells in a word or two why a picture was refused.
func kindOfFault(err error) string {
	refused, ok := errors.AsType[*imaging.Error](err)
	if !ok {
		return "can't be read"
	}
	switch refused.Reason {
	case imaging.ReasonUndecodable:
		return "damaged"
	case imaging.ReasonEmpty:
		return "empty"
	case imaging.ReasonTooLarge, imaging.ReasonTooManyPixels, imaging.ReasonTooCostly:
		return "too large"
	case imaging.ReasonShape:
		return "of odd shape"
	}
	return ""
}

// summary counts files by extension and by what they are, the most first:
// "9 .heic, 2 .png (HTML), 1 .jpg (empty)".
func summary(files []*file) string {
	counts := map[string]int{}
	for _, f := range files {
		counts[f.sort()]++
	}
	sorts := slices.Collect(maps.Keys(counts))
	slices.SortFunc(sorts, func(a, b string) int { return cmp.Or(counts[b]-counts[a], strings.Compare(a, b)) })
	for i, sort := range sorts {
		sorts[i] = fmt.Sprintf("%d %s", counts[sort], sort)
	}
	return strings.Join(sorts, ", ")
}

// sort is what a file counts as in a summary. Of one that is called no picture the name
// says enough.
func (f *file) sort() string {
	name := cmp.Or(extension(f.name), "without extension")
	if f.kind == "" || !pictureExtensions[name] && f.fault == nil || "."+strings.ToLower(f.kind) == name {
		return name
	}
	return fmt.Sprintf("%s (%s)", name, f.kind)
}

// unreadableError names the files that are no readable pictures.
func unreadableError(form arrangement, files []*file) *UnreadableError {
	unreadable := &UnreadableError{Summary: summary(files)}
	for _, f := range files {
		unreadable.Images = append(unreadable.Images, fmt.Sprintf("%s: %v", form.name(f), f.fault))
	}
	return unreadable
}

// withoutPictures lists the outermost folders below which no readable picture lies, each
// with what lies there instead: a class that is lost.
func withoutPictures(form arrangement, folders []string, readable, other []*file) []string {
	alive, holds := map[string]bool{}, map[string][]*file{}
	for _, f := range readable {
		for folder := range around(f.name) {
			alive[folder] = true
		}
	}
	candidates := map[string]bool{}
	for _, folder := range folders {
		candidates[folder] = true
	}
	for _, f := range other {
		for folder := range around(f.name) {
			candidates[folder] = true
			holds[folder] = append(holds[folder], f)
		}
	}
	var lost []string
	for _, folder := range slices.Sorted(maps.Keys(candidates)) {
		up := path.Dir(folder)
		if alive[folder] || up != "." && !alive[up] {
			continue
		}
		what := cmp.Or(summary(holds[folder]), "nothing")
		lost = append(lost, fmt.Sprintf("%s: %s", strings.TrimPrefix(folder, form.wrapper), what))
	}
	return lost
}

// around yields the folders around a file, the innermost first.
func around(name string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for folder := path.Dir(name); folder != "." && yield(folder); folder = path.Dir(folder) {
		}
	}
}
