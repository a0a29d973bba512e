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
	var to string
	for i, path := range append([]string{m.path}, m.also...) {
		if a.move != "" {
			to, err = a.moveTo(m, i, path)
			done = "moved to " + to
		} else {
			err = a.linkTo(kept, m, path)
			done = "linked to " + kept.path
		}
		if err != nil {
			return "", err
		}
	}
	if a.dry {
		done = "would be " + done
	}
	return done, nil
}

// check makes sure that both files are what they were when they were compared, and of a
// copy that it is one, byte by byte: what side files say may be wrong.
func (a *action) check(kept *item, m *member) error {
	for _, f := range []*file{kept.file, m.file} {
		info, err := os.Lstat(f.path)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() || info.Size() != f.size || !info.ModTime().Equal(f.modified) {
			return fmt.Errorf("%s has been changed since it was looked at: nothing is done", f.path)
		}
	}
	if m.role != copied || kept.Sum != m.Sum {
		return nil
	}
	same, err := sameBytes(kept.path, m.path)
	if err == nil && !same {
		err = fmt.Errorf("%s has other bytes than %s, expected a copy (the index is wrong: remove it)", m.path, kept.path)
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
	if err := os.Rename(temporary, path); err != nil {
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

// moveFile gives a file another name, and never takes the place of another one:
// fs.ErrExist then.
func moveFile(from, to string) error {
	err := os.Link(from, to)
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	if err != nil { // another file system, or one without hard links
		if err := copyFile(from, to); err != nil {
			return err
		}
	}
	return os.Remove(from)
}

// copyFile copies a file with its mode and time. The copy is on disk when it returns.
func copyFile(from, to string) (err error) {
	in, err := regular.Open(from, 1<<62)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // it is only read
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	err = errors.Join(err, out.Sync(), out.Close())
	if err == nil {
		err = os.Chtimes(to, info.ModTime(), info.ModTime())
	}
	if err != nil {
		err = errors.Join(err, os.Remove(to))
	}
	return err
}

// absolute is a path from the root on; as it is where that is not known.
func absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}
