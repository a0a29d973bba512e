package dedupe

import (
	_ "embed" // the page's template
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"siamese/cmd/siamese/internal/scorer"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is what the template shows.
type page struct {
	Summary   string
	By        string
	Made      string
	Folders   []string
	Foreign   string
	Groups    []pageGroup
	Failed    []pageFailure
	Missing   int // groups without thumbnails, since there are too many
	Threshold string
}

type pageGroup struct {
	Number int
	Title  string
	Files  []pageFile
}

type pageFile struct {
	Best       bool
	Role       string
	Similarity string
	Foreign    string
	Name       string // the file's
	Path       string
	Link       template.URL // empty: it has been moved
	Thumbnail  template.URL // empty: there is none
	Pixels     string
	Bytes      string
	Modified   string
	Also       []string
	Done       string
	Failed     string
}

type pageFailure struct{ Path, Error string }

// writeHTML writes the page.
func (r *report) writeHTML(out io.Writer) error {
	p := page{Summary: r.summary(), Made: time.Now().Format("2 January 2006, 15:04"), By: "by their bytes alone"}
	if !r.Exact {
		p.By = fmt.Sprintf("by their bytes, and by their pixels and the model %s from a match of %s", r.model.Name, scorer.Number(r.rule().match))
		if r.Threshold != nil {
			p.By = fmt.Sprintf("by their bytes, and by the model %s from a similarity of %s", r.model.Name, scorer.Number(*r.Threshold))
		}
	}
	for _, root := range r.found.roots {
		p.Folders = append(p.Folders, root.path)
	}
	if p.Foreign = r.foreignNote(); p.Foreign != "" {
		p.Foreign += "."
	}
	for i, g := range r.groups {
		own := pageGroup{Number: i + 1, Title: fmt.Sprintf("%s, %s beside the best", count(len(g.members), "file", "files"), size(g.wasted()))}
		var look template.URL // of the content that is shown
		for _, m := range g.members {
			if m.role != copied {
				look = dataURL(r.thumbnails[m.item])
			}
			own.Files = append(own.Files, r.pageFile(m, look))
		}
		if _, shown := r.thumbnails[g.members[0].item]; !shown {
			p.Missing++
		}
		p.Groups = append(p.Groups, own)
	}
	for _, f := range r.failed {
		p.Failed = append(p.Failed, pageFailure{f.path, f.err.Error()})
	}
	return pageTemplate.Execute(out, p)
}

func dataURL(jpeg []byte) template.URL {
	if jpeg == nil {
		return ""
	}
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(jpeg)) //nolint:gosec // our own JPEG
}

func (r *report) pageFile(m *member, look template.URL) pageFile {
	own := pageFile{
		Best: m.role == best, Role: map[role]string{best: "Best", copied: "Exact copy", near: "Near-double"}[m.role],
		Name: filepath.Base(m.path), Path: m.path, Thumbnail: look, Pixels: dimensions(m.item), Bytes: size(m.size),
		Modified: m.modified.Format("2006-01-02 15:04"), Also: m.also, Done: m.done,
	}
	if m.role == near {
		own.Similarity = "similarity " + r.like(m)
		if match := m.match(); match != "" {
			own.Similarity = "match " + match + ", " + own.Similarity
		}
	}
	if m.foreign() {
		own.Foreign = "foreign to the model"
	}
	if m.failed != nil {
		own.Failed = m.failed.Error()
	}
	if r.Move == "" || r.DryRun || m.done == "" {
		own.Link = r.link(m.path)
	}
	return own
}

// link leads from the page to a file: by a relative path where both are below one
// folder, so that the page may be moved along with the pictures.
func (r *report) link(path string) template.URL {
	from, to := filepath.Dir(absolute(r.HTML)), absolute(path)
	target := to
	if rel, err := filepath.Rel(from, to); err == nil && !strings.HasPrefix(rel, "..") {
		target = "./" + rel
	}
	escaped := (&url.URL{Path: target}).EscapedPath()
	if filepath.IsAbs(target) {
		escaped = "file://" + escaped
	}
	return template.URL(escaped) //nolint:gosec // escaped, and of a file
}
