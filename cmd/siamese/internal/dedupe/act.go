package dedupe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"siamese/internal/regular"
)

// action is what is to become of all but the best.
type action struct {
	link, linkNear bool
	move           string // the folder; empty: nothing is moved
	dry            bool
	roots          []root
	undo           *undoList
}

// all does it with all groups. What can't be done is told with the file, and stops
// nothing else.
func (a *action) all(ctx context.Context, groups []*group) error {
	for _, g := range groups {
		for _, m := range g.members[1:] {
			if err := ctx.Err(); err != nil {
				return err
			}
			m.done, m.failed = a.one(g.keeper(m, a), m)
		}
	}
	return nil
}

// keeper is the file that a member is to be a link to, or that has to be there when it
// is moved: the best, and of a copy the file that it has the bytes of where that stays.
func (g *group) keeper(m *member, a *action) *item {
	if m.role == copied && a.move == "" && !a.linkNear {
		return m.of
	}
	return g.members[0].item
}

// one does it with one file, all names of it.
func (a *action) one(kept *item, m *member) (done string, err error) {
	if a.move == "" && m.role == near && !a.linkNear {
		return "", nil
	}
	if err := a.check(kept, m); err != nil {
		return "", err
	}
	for i, path := range append([]string{m.path}, m.also...) {
		to := kept.path
		if a.move != "" {
			to, err = a.moveTo(m, i, path)
		} else {
			err = a.linkTo(kept, m, path)
		}
		if err != nil {
			return done, err // with what became of the names before
		}
		if done = "linked to " + to; a.move != "" {
			done = "moved to " + to
		}
	}
	if a.dry {
		done = "would be " + done
	}
	return done, nil
}

// check makes sure that both files are what they were when they were compared, byte by
// byte: what side files say may be wrong.
func (a *action) check(kept *item, m *member) error {
	stays, err := unchanged(kept.path, kept.file)
	if err != nil {
		return err
	}
	var first fs.FileInfo
	for i, path := range append([]string{m.path}, m.also...) {
		goes, err := unchanged(path, m.file)
		if err != nil {
			return err
		}
		if i == 0 {
			first = goes
		}
		if !os.SameFile(first, goes) {
			return fmt.Errorf("%s is no link to %s any more: nothing is done", path, m.path)
		}
		if os.SameFile(stays, goes) { // such as by a folder that is mounted twice
			return fmt.Errorf("%s is %s by another path, expected another file: nothing is done", path, kept.path)
		}
	}
	if kept.Sum != m.Sum {
		return errors.Join(sameSum(kept), sameSum(m.item))
	}
	same, err := sameBytes(kept.path, m.path)
	if err == nil && !same {
		err = fmt.Errorf("%s has other bytes than %s, expected a copy (the index is wrong: remove it)", m.path, kept.path)
	}
	return err
}

// unchanged is what there is to be known of a name of a file, which has to be as it was
// found.
func unchanged(path string, f *file) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() != f.size || !info.ModTime().Equal(f.modified) {
		return nil, fmt.Errorf("%s has been changed since it was looked at: nothing is done", path)
	}
	return info, nil
}

// sameSum makes sure that a file has the bytes that were compared.
func sameSum(it *item) error {
	sum, err := sumOf(it.path)
	if err == nil && sum != it.Sum {
		err = fmt.Errorf("%s has other bytes than those that were compared, at the same size and time: nothing is done (the index is wrong: remove it)", it.path)
	}
	return err
}

// sameBytes reports whether two files have the same content.
func sameBytes(a, b string) (same bool, err error) {
	var files [2]*os.File
	for i, path := range []string{a, b} {
		if files[i], err = regular.Open(path, 1<<62); err != nil {
			return false, err
		}
		defer files[i].Close() //nolint:errcheck // it is only read
	}
	const some = 1 << 20
	one, other := make([]byte, some), make([]byte, some)
	for {
		n, errA := io.ReadFull(files[0], one)
		m, errB := io.ReadFull(files[1], other)
		if n != m || !bytes.Equal(one[:n], other[:m]) {
			return false, nil
		}
		for _, err := range []error{errA, errB} {
			if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				return false, err
			}
		}
		if errA != nil {
			return errB != nil, nil
		}
	}
}

// linkTo makes a name another one of the best file. The name is there at each moment.
func (a *action) linkTo(kept *item, m *member, path string) error {
	if a.dry {
		return nil
	}
	if err := a.undo.write(step{Op: opLink, From: name(absolute(path)), To: name(absolute(kept.path)), Near: kept.Sum != m.Sum, Mode: m.mode.Perm(), Modified: m.modified}); err != nil {
		return err
	}
	temporary, err := unused(filepath.Dir(path))
	if err != nil {
		return err
	}
	if err := os.Link(kept.path, temporary); err != nil {
		return err
	}
	// Once more, as all that is between this and the renaming may be lost.
	if _, err = unchanged(path, m.file); err == nil {
		_, err = unchanged(temporary, kept.file)
	}
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return nil
}

// unused is a name in a folder that nothing has.
func unused(dir string) (string, error) {
	file, err := os.CreateTemp(dir, ".siamese-link-*")
	if err != nil {
		return "", err
	}
	return file.Name(), errors.Join(file.Close(), os.Remove(file.Name()))
}

// moveTo moves a name of a file, and returns where to.
func (a *action) moveTo(m *member, which int, path string) (string, error) {
	rel := m.rel
	if which > 0 {
		var err error
		if rel, err = filepath.Rel(a.roots[m.root].name, path); err != nil || strings.HasPrefix(rel, "..") {
			rel = filepath.Base(path) // in another of the folders
		}
	}
	if len(a.roots) > 1 {
		rel = filepath.Join(filepath.Base(a.roots[m.root].path), rel)
	}
	to := filepath.Join(a.move, rel)
	if a.dry {
		return to, nil
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return "", err
	}
	for try := 1; ; try++ {
		own := numbered(to, try)
		if _, err := os.Lstat(own); err == nil && try < mostNames {
			continue // not written to the list in vain
		}
		if err := a.undo.write(step{Op: opMove, From: name(absolute(path)), To: name(absolute(own))}); err != nil {
			return "", err
		}
		err := moveFile(path, own)
		if !errors.Is(err, fs.ErrExist) || try >= mostNames {
			return own, err
		}
	}
}

// mostNames is how many names are tried where the first ones are taken.
const mostNames = 10_000

// numbered is a path, from the second try on with a number in its name.
func numbered(path string, try int) string {
	if try == 1 {
		return path
	}
	ending := filepath.Ext(path)
	return fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(path, ending), try, ending)
}

// absolute is a path from the root on; as it is where that is not known.
func absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}
