// Package dedupe is the command `siamese dedupe`: the copies and near-doubles among
// the pictures of folders.
package dedupe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/pictures"
	"siamese/cmd/siamese/internal/progress"
	"siamese/cmd/siamese/internal/scorer"
)

// Command is `siamese dedupe`.
type Command struct {
	Dirs []string `arg:"" optional:"" name:"dir" help:"The folders to look through, with all that is below them. Hidden files and folders, symbolic links, and files that are no pictures are passed over."`

	Exact     bool     `help:"Looks for files of the same bytes alone: no model is asked, and only files of the same size are read."`
	Match     *float32 `help:"Sets how sure it must be, 0 to 1, that two pictures are copies of one: how well their pixels agree where one lies best on the other, whole or as a part of it, and a 50th of the logit of the model's similarity. On 400 photographs with copies that were cropped, compressed, scaled and edited, 0.9 found 89 % of the copies, and 99 % of what it found was right. Empty: 0.9." placeholder:"N" xor:"rule" env:"SIAMESE_DEDUPE_MATCH"`
	Threshold *float32 `help:"Takes pictures for near-doubles from this similarity on, 0 to 1, whatever their pixels say: so it finds two views of one thing, too, and from the model's own threshold on things of a kind. Empty: --match decides." placeholder:"N" xor:"rule"`
	Foreign   bool     `help:"Counts the similarity of pictures that are foreign to the model, too. Without it their pixels alone decide, since similarities of them mean little."`
	Index     string   `help:"Keeps what is known of the pictures in this file, so that the next run encodes only what is new: also files that were moved or renamed are known again. none: keeps nothing. Empty: .siamese-index in each folder, and where a folder can't be written, a file in the user's cache folder." placeholder:"FILE"`

	JSON bool   `help:"Prints a JSON object: groups (each with wasted_bytes and files, the best first, each with file, role, copy_of, similarity, match, foreign, width, height, bytes, modified, sha256), failed (each with file and error), passed (how many, by why) and what was looked at." xor:"form"`
	CSV  bool   `help:"Prints lines of group,file,role,copy_of,similarity,width,height,bytes,modified,sha256,links,action,error,match,foreign; what failed comes last." name:"csv" xor:"form"`
	HTML string `help:"Writes a page to this file that shows the groups side by side with thumbnails. It needs no other file and no network." name:"html" placeholder:"FILE"`

	Link     bool   `help:"Replaces exact copies by hard links to the best file that has the same bytes: they are there once, under all names, and what changes one changes all. A copy's own time and permissions are lost; --undo brings them back. Near-doubles stay as they are." xor:"act" env:"-"`
	LinkNear bool   `help:"As --link, and replaces near-doubles by links to the best file, too: what they show themselves, each crop, edit and size, is lost for good and can't be brought back." xor:"act" env:"-"`
	Move     string `help:"Moves all but the best file of each group to this folder, which must be outside of those that are looked through, under the path that each has there. Nothing is overwritten: a name that is taken gets a number." xor:"act" placeholder:"DIR" env:"-"`
	DryRun   bool   `help:"Says what --link, --link-near or --move would do, and does nothing." env:"-"`
	Undo     string `help:"Undoes what a list says that --link or --move has written, and does nothing else." placeholder:"LIST" env:"-"`

	scorer.Flags
}

// check refuses what can't be meant.
func (c *Command) check() error {
	acts := c.Link || c.LinkNear || c.Move != ""
	switch {
	case c.Undo != "" && (len(c.Dirs) > 0 || acts):
		return errors.New("--undo LIST stands alone, expected no folders and no --link or --move beside it")
	case c.Undo == "" && len(c.Dirs) == 0:
		return errors.New("expected a folder to look through")
	case c.DryRun && !acts:
		return errors.New("--dry-run says what --link, --link-near or --move would do, expected one of them")
	case c.Model == "auto":
		return errors.New("--model auto: embeddings of two models can't be compared with each other, expected the name of one model")
	case c.Exact && (c.Threshold != nil || c.Match != nil):
		return errors.New("--exact compares no pictures, expected no --threshold or --match beside it")
	case c.Match != nil && !(*c.Match >= 0 && *c.Match <= 1):
		return fmt.Errorf("--match %v, want 0 to 1", *c.Match)
	case c.Exact && c.LinkNear:
		return errors.New("--exact finds no near-doubles, expected --link in place of --link-near")
	}
	return nil
}

// rule is what the flags say of near-doubles.
func (c *Command) rule() rule {
	r := rule{threshold: c.Threshold, match: defaultMatch, foreign: c.Foreign}
	if c.Match != nil {
		r.match = *c.Match
	}
	return r
}

// Run finds the groups, acts on them where asked to, and prints them. Files that can't
// be used make it fail in the end, after that.
func (c *Command) Run(ctx context.Context, s cli.Streams) error {
	if err := c.check(); err != nil {
		return cli.Usage(err)
	}
	if c.Undo != "" {
		return undo(c.Undo, s)
	}
	found, err := newFound(c.Dirs)
	if err != nil {
		return err
	}
	if err := c.checkMove(found.roots); err != nil {
		return err
	}
	if err := c.checkPage(); err != nil {
		return err
	}
	reader, err := newReader(c.Limits())
	if err != nil {
		return err
	}
	r := &run{Command: c, found: found, reader: reader, screen: progress.New(s.Err, "pictures"), notes: s.Err}
	groups, err := r.find(ctx)
	r.screen.Close()
	if err != nil {
		return r.ended(ctx, err)
	}
	report := r.report(groups)
	if c.HTML != "" { // before what it shows is moved
		if report.thumbnails, err = r.thumbnails(ctx, groups); err != nil {
			return r.ended(ctx, err)
		}
	}
	acted := r.act(ctx, groups)
	return errors.Join(c.write(s, report), acted, report.failure())
}

// checkMove refuses a folder that is looked through itself.
func (c *Command) checkMove(roots []root) error {
	if c.Move == "" {
		return nil
	}
	path := absolute(c.Move)
	// Of the part that is there already, where links lead.
	for dir, rest := path, ""; ; dir, rest = filepath.Dir(dir), filepath.Join(filepath.Base(dir), rest) {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			path = filepath.Join(real, rest)
			break
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	for _, root := range roots {
		if inside(path, root.path) {
			return cli.Usage(fmt.Errorf("--move %s is within %s, expected a folder outside: the next run would find there what was moved", c.Move, root.name))
		}
	}
	return nil
}

// checkPage refuses to write the page over a picture, a folder or a device.
func (c *Command) checkPage() error {
	info, err := os.Stat(c.HTML)
	if c.HTML == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	is := !info.Mode().IsRegular()
	if !is {
		is, err = pictures.IsPicture(c.HTML)
	}
	if err != nil || is {
		return cli.Usage(errors.Join(fmt.Errorf("--html %s: received a picture, or no regular file, expected a file to write a page to", c.HTML), err))
	}
	return nil
}

// run is a search on its way.
type run struct {
	*Command
	found  *found
	reader *reader
	screen *progress.Screen
	notes  io.Writer

	model   scorer.Model // zero with --exact
	encoder *encoder     // nil before the model is open
	items   []*item
}

// act does what is asked for with all but the best.
func (r *run) act(ctx context.Context, groups []*group) error {
	a := action{link: r.Link || r.LinkNear, linkNear: r.LinkNear, move: r.Move, dry: r.DryRun, roots: r.found.roots}
	if !a.link && a.move == "" || len(groups) == 0 {
		return nil
	}
	name := "siamese-undo-" + time.Now().UTC().Format("20060102T150405.000") + ".jsonl"
	if a.move != "" {
		a.undo = &undoList{path: filepath.Join(a.move, name)}
	} else {
		a.undo = &undoList{path: filepath.Join(r.found.roots[0].name, "."+name)}
	}
	if a.move != "" && !a.dry {
		if err := os.MkdirAll(a.move, 0o755); err != nil {
			return err
		}
	}
	err := a.all(ctx, groups)
	if err != nil {
		err = r.stopped(ctx, err, "what was done is in the undo list")
	}
	return errors.Join(err, a.undo.close(r.notes))
}

// ended is the error of a run that found nothing.
func (r *run) ended(ctx context.Context, err error) error {
	words := "nothing was encoded"
	if r.encoder != nil {
		words = fmt.Sprintf("%d pictures were encoded, and are known to the next run", r.encoder.made)
		if r.Index == none {
			words = fmt.Sprintf("%d pictures were encoded, and are forgotten: --index none", r.encoder.made)
		}
	}
	return r.stopped(ctx, err, words)
}

func (r *run) stopped(ctx context.Context, err error, words string) error {
	if interrupted := cli.Interrupted(ctx, words); interrupted != nil {
		return interrupted
	}
	return err
}
