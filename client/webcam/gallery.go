package webcam

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc/codes"

	"siamese/client"
)

// remarkSpan is how long the window tells what the server remarks on a gallery.
const remarkSpan = knowsSpan

// gallery is what is known of the gallery that the pictures are looked for in.
type gallery struct {
	name       string
	told       bool // it is known how many entries it has
	entries    int  // that can be found
	stale      int  // that can't, as another model made their embeddings
	thumbnails bool // it keeps them
	answered   bool // a picture was
	remark     string
	remarkAt   time.Time
}

// emptyText says, for a person, that nothing can be found; empty where something can.
func (g *gallery) emptyText() string {
	if g == nil || !g.told || g.entries > 0 {
		return ""
	}
	if g.stale > 0 {
		return fmt.Sprintf("no entry of gallery %q can be found: siamese gallery reindex moves them to its model", g.name)
	}
	return fmt.Sprintf("gallery %q is empty: siamese gallery enroll fills it", g.name)
}

// takeGallery takes what the server told of the gallery.
func (b *board) takeGallery(told client.Gallery) {
	if g := b.gallery; g != nil {
		g.told, g.thumbnails = true, told.KeepThumbnails
		g.entries, g.stale = told.Entries-told.StaleEntries, told.StaleEntries
	}
}

// found takes the things of the gallery that a frame may show, and gives the standings
// of all, in their order. Those of other things are forgotten.
func (b *board) found(result client.Result) []standing {
	before := b.standings
	b.standings, b.names = make(map[string]*standing), nil
	changed := make([]standing, 0, len(result.Found.Matches))
	for _, match := range result.Found.Matches {
		s := before[match.Thing]
		if s == nil {
			s = &standing{Reference: match.Thing}
		}
		s.Entry, s.Similarity, s.Same = match.Entry.ID, float64(match.Similarity), match.Same
		s.Threshold, s.Model = float64(result.Threshold), result.Found.Model
		s.Foreign = match.Entry.Familiarity != nil && match.Entry.Familiarity.Foreign
		s.Doubt = doubtOfFound(result, s)
		s.Smoothed = s.history.add(result.Captured, s.Similarity)
		b.names, b.standings[match.Thing] = append(b.names, match.Thing), s
		changed = append(changed, *s)
	}
	// By the smoothed score, so that two of about the same score don't take turns.
	slices.SortStableFunc(b.names, func(x, y string) int {
		return cmp.Compare(b.standings[y].Smoothed, b.standings[x].Smoothed)
	})
	if b.gallery != nil {
		b.gallery.answer(result)
	}
	return changed
}

// answer notes what an answer tells of the gallery itself.
func (g *gallery) answer(result client.Result) {
	g.answered, g.told, g.entries = true, true, result.Found.SearchedEntries
	if isForeign(result.Familiarity) {
		return // the warning is of the picture
	}
	if result.Warning != g.remark {
		g.remark, g.remarkAt = result.Warning, result.Received
	}
}

// doubtOfFound is why the similarity of a thing means little; empty where nothing is
// foreign to the model.
func doubtOfFound(result client.Result, s *standing) string {
	switch {
	case isForeign(result.Familiarity):
		return cmp.Or(result.Warning, "The picture is foreign to the model: the similarity means little.")
	case s.Foreign:
		return s.Reference + ": its picture in the gallery is foreign to the model: the similarity means little."
	}
	return ""
}

func isForeign(familiarity *client.Familiarity) bool {
	return familiarity != nil && familiarity.Foreign
}

// ranked are the standings of the gallery's best things, best first.
func (b *board) ranked(now time.Time) []standing {
	var all []standing
	for _, name := range b.names {
		s := *b.standings[name]
		s.stale = now.Sub(b.scoredAt) > staleAfter
		all = append(all, s)
	}
	return all
}

// galleryTold takes what the server tells of the gallery each time that it can be used.
func (l *loop) galleryTold(told client.Gallery) error {
	l.board.takeGallery(told)
	l.config.Model = told.Model // which is asked about
	entries := told.Entries
	return l.report(Entry{
		Type: "gallery", Time: time.Now(), Gallery: told.Name, Model: told.Model, Entries: &entries, Warning: l.board.gallery.emptyText(),
	})
}

// galleryRefused is why a gallery that has never answered will not answer: what to try
// again would not help. Later, when it has been deleted or its model has changed, it is
// waited for instead.
func (l *loop) galleryRefused(state client.State) error {
	refused, ok := errors.AsType[*client.Error](state.Err)
	if g := l.board.gallery; g == nil || g.answered || !ok || !isOfGallery(refused) {
		return nil
	}
	return fmt.Errorf("gallery %q: %w", l.board.gallery.name, refused)
}

// isOfGallery reports whether it is the gallery, its model, or what is wanted of it that
// can't be used, and not the server.
func isOfGallery(err *client.Error) bool {
	switch err.Code {
	case codes.InvalidArgument, codes.NotFound, codes.PermissionDenied, codes.FailedPrecondition, codes.Unimplemented:
		return true
	}
	return false
}

// showThumbnails gives the painter the pictures of things that are found, and takes back
// those of things that are not any more.
func (l *loop) showThumbnails(found *client.Identification) {
	if l.config.Painter == nil {
		return
	}
	before := l.thumbnails
	l.thumbnails = make(map[string]string, len(found.Matches))
	for _, match := range found.Matches {
		picture := match.Entry.ID + " " + match.Entry.PictureSHA256 // of an entry that was replaced another one
		l.thumbnails[match.Thing] = picture
		if shown, ok := before[match.Thing]; !ok || shown != picture {
			l.config.Painter.SetThumbnail(match.Thing, match.Entry.Thumbnail)
		}
		delete(before, match.Thing)
	}
	for thing := range before {
		l.config.Painter.SetThumbnail(thing, nil)
	}
}
