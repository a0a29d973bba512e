// Package doctest runs the commands that documents show, as their readers would: block
// by block, in one shell for each document, in a fresh folder.
//
// A block of commands is fenced as sh, or as console, where lines that begin with "$ "
// are commands and the others what they print. A block of text or JSON
// that follows a block of sh is what that prints. In printed lines "…" stands for anything within a line, and on a
// line of its own for any number of lines.
//
// HTML comments right before a block say how it is run; readers of the pages don't see
// them:
//
//	<!-- not run: REASON -->       it is not run, and why
//	<!-- needs: PROGRAM -->        it is run where this program is on the PATH
//	<!-- with: OLD => NEW -->      in its text, NEW is run in place of OLD
//	<!-- first: COMMAND -->        runs before it
//	<!-- file: NAME -->            of any block: it is the content of this file
//	<!-- shows: PATH -->           of any block: it is this file of the repository, in full
//	<!-- until: WORDS -->          it goes on in the background once it has printed WORDS
//	<!-- stop -->                  what is in the background is ended before it, by SIGTERM
//	<!-- exit: N -->               its exit code is N; without this 0
//	<!-- log -->                   of a text block: what the background prints, in this order
//	<!-- varies: EXPRESSION -->    of what is printed: what this matches may differ
//
// <!-- folder: source --> anywhere in a document has it run in a folder that looks like
// the source folder, <!-- none is run: REASON --> has none of its blocks run.
package doctest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// Document is a file of Markdown with the blocks of it that matter.
type Document struct {
	// Path is that of the file, relative to the repository.
	Path string
	// Source says that it runs in what looks like the source folder.
	Source bool
	// NoneRun is why none of its blocks is run; empty where each says so itself.
	NoneRun string
	// Blocks are in the order of the document.
	Blocks []Block
}

// Block is a fenced block that is run, shows what another prints, or makes a file.
type Block struct {
	// Line is that of its opening fence, from 1.
	Line int
	// Language is what follows the opening fence.
	Language string
	// Text is what is within the fences, each line with its line break.
	Text string
	Marks
}

// Marks are what the comments before a block say.
type Marks struct {
	// NotRun is why a block of commands is not run; empty where it is.
	NotRun string
	// Needs is a program without which the block is left out; empty where there is none.
	Needs string
	// With are pairs of what is replaced in the text to run, and by what.
	With [][2]string
	// First are commands that run before.
	First []string
	// File is the name of the file that the block is the content of.
	File string
	// Shows is the file of the repository that the block shows in full, by its path.
	Shows string
	// Until is what a block prints once it may go on in the background.
	Until string
	// Stop says that the background is ended before.
	Stop bool
	// Exit is the exit code that is expected.
	Exit int
	// Log says that a text block is what the background prints.
	Log bool
	// Varies match what may differ in what is printed.
	Varies []*regexp.Regexp
}

// Commands reports whether the block has commands.
func (b Block) Commands() bool {
	return slices.Contains([]string{"sh", "bash", "shell", "console"}, b.Language)
}

// Documents reads README.md, that of the Go client and all documents below docs/ of the
// repository at root. READMEs of other clients are held by their own tests.
func Documents(root string) ([]Document, error) {
	paths := []string{"README.md", "client/README.md"}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" {
			return err
		}
		path, err = filepath.Rel(root, path)
		paths = append(paths, path)
		return err
	})
	if err != nil {
		return nil, err
	}
	var documents []Document
	for _, path := range paths {
		text, err := os.ReadFile(filepath.Join(root, path)) //nolint:gosec // a file of the repository
		if err != nil {
			return nil, err
		}
		document, err := Parse(path, string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		documents = append(documents, document)
	}
	return documents, nil
}

// Runs returns how many blocks of commands are run.
func (d Document) Runs() int {
	if d.NoneRun != "" {
		return 0
	}
	runs := 0
	for _, block := range d.Blocks {
		if block.Commands() && block.NotRun == "" {
			runs++
		}
	}
	return runs
}
