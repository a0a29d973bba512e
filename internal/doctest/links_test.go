package doctest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// localLink is a link to a file of the repository, and to a heading of it.
	localLink = regexp.MustCompile(`\]\(([^)#:\s]*)(?:#([^)\s]+))?\)`)
	// heading is one of Markdown.
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	// notInAnchor is what an anchor leaves out of its heading.
	notInAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// What mkdocs checks for the pages of docs/, for the documents beside it: each link
// leads to a file, and to a heading of it.
func TestLinksOfDocumentsOutsideTheSite(t *testing.T) {
	for _, name := range []string{"README.md", "CONTRIBUTING.md"} {
		links := localLink.FindAllStringSubmatch(read(t, name), -1)
		if len(links) == 0 {
			t.Errorf("%s has no links, want some", name)
		}
		for _, link := range links {
			target := link[1]
			if target == "" {
				target = name
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s links to %s: %v", name, target, err)
				continue
			}
			if link[2] != "" && !hasAnchor(read(t, target), link[2]) {
				t.Errorf("%s links to %s#%s, which has no such heading", name, target, link[2])
			}
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name)) //nolint:gosec // a file of the repository
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// hasAnchor reports whether a document has the heading of an anchor.
func hasAnchor(text, anchor string) bool {
	for _, found := range heading.FindAllStringSubmatch(text, -1) {
		plain := notInAnchor.ReplaceAllString(strings.ToLower(found[1]), "")
		if strings.ReplaceAll(plain, " ", "-") == anchor {
			return true
		}
	}
	return false
}
