package watch

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"siamese/cmd/siamese/internal/scorer"
)

// present looks whether the folder is there, and the one that it was: it may have been
// deleted, renamed or made again, or its disk unmounted, of which events tell little.
// One that is there again is looked through. While it is away nothing is lost: its
// pictures may be elsewhere.
func (t *tree) present(now time.Time) (isThere, isAgain bool, err error) {
	info, err := os.Stat(t.root)
	if err == nil && !info.IsDir() {
		err = &os.PathError{Op: "watch", Path: t.root, Err: syscall.ENOTDIR}
	}
	switch {
	case err != nil:
		t.is = nil
		t.unwatch(t.root)
		clear(t.lost)
		clear(t.pending)
		return false, false, err
	case t.is != nil && os.SameFile(t.is, info):
		if t.bare {
			t.scan(now) // a file may have come
		}
		return true, false, nil
	}
	t.unwatch(t.root) // what was below the other one has other names now
	clear(t.lost)
	t.is, t.bare = info, true
	t.scan(now)
	return true, true, nil
}

// look looks whether the folder is there, and tells where it has gone or come back.
func (w *watcher) look(now time.Time) bool {
	isThere, isAgain, err := w.tree.present(now)
	switch {
	case err != nil && !w.away:
		fmt.Fprintf(w.notes, "error: %s: nothing is removed, and it is waited for\n", scorer.Printable(err.Error()))
	case isAgain:
		fmt.Fprintf(w.notes, "note: %s is another folder than before, or was away: it is looked through\n", scorer.Printable(w.Dir))
	}
	w.away = !isThere
	return isThere
}

// rescan looks through the folder, where it is there.
func (w *watcher) rescan(now time.Time) {
	if w.look(now) {
		w.tree.scan(now)
	}
}
