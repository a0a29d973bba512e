package infer

import (
	"cmp"
	"slices"

	"siamese/imaging/views"
	"siamese/server/batch"
	"siamese/server/cache"
	"siamese/server/internal/fault"
)

// moved is a further view of an image's picture (package views), on its way to its
// embedding as the image itself is. Cache and queue know it by the digest of the image
// and its place in the list of views.
type moved struct {
	source    digest    // of the image's source and the place
	pixels    digest    // of the picture and the place; zero until prepared
	picture   []byte    // uint8 [H,W,3] RGB; nil until prepared, and again once the embedding is there
	embedding []float32 // [E]; nil until encoded
}

// Vary has an image of this set encoded in as many views as ImagesConfig.Views says. It
// comes before Prepare. One that came as an embedding keeps its one view.
func (s *Images) Vary(m *Image) {
	if s.cfg.Views > 1 && m.fault == nil && m.given == nil {
		m.isVaried = true
	}
}

// CheckRoom returns the fault of views that are more images than one call may bring
// before an encoder; nil where no views are asked for. It comes before Prepare.
func (s *Images) CheckRoom() *fault.Fault {
	if s.cfg.Views <= 1 {
		return nil
	}
	images := 0
	for _, m := range s.pictures {
		images++
		if m.isVaried {
			images += s.cfg.Views - 1
		}
	}
	if most := s.parts[0].engine.maxQueued; images > most {
		return fault.TooManyViews(s.cfg.Views, images, most)
	}
	return nil
}

// vary gives the task's view what it needs for further views, where the image has any.
func (t task) vary(n int) {
	if !t.image.isVaried || t.view.moved != nil {
		return
	}
	t.view.moved = make([]moved, n-1)
	for i := range t.view.moved {
		t.view.moved[i].source = t.image.digest.ofView(i + 1)
	}
}

// ofView is the digest of a view of what has this digest.
func (d digest) ofView(place int) digest { return digestOf(domainView, d[:], place) }

// recallMoved looks the further views up in the cache and reports whether all are known.
func (t task) recallMoved() bool {
	all := true
	for i := range t.view.moved {
		m := &t.view.moved[i]
		if known, ok := t.part.engine.cache.Source(cache.Key(m.source)); ok {
			m.embedding = known.Embedding
			continue
		}
		all = false
	}
	return all
}

// move makes the further views that are not known, of the picture.
func (v *View) move() error {
	if v.unknownMoved() == 0 {
		return nil
	}
	made, err := views.Of(v.picture, len(v.moved)+1)
	if err != nil {
		return err
	}
	for i := range v.moved {
		if m := &v.moved[i]; m.embedding == nil {
			m.pixels, m.picture = v.pixels.ofView(i+1), made[i+1].Pix
		}
	}
	return nil
}

// unknownMoved returns how many of the further views have no embedding yet.
func (v *View) unknownMoved() int {
	n := 0
	for i := range v.moved {
		if v.moved[i].embedding == nil {
			n++
		}
	}
	return n
}

// recallPixels looks a further view that has been made up in the cache.
func (m *moved) recallPixels(kept *cache.Cache) {
	if m.picture == nil {
		return
	}
	if known, ok := kept.Pixels(cache.Key(m.pixels)); ok {
		m.embedding, m.picture = known.Embedding, nil
		kept.Link(cache.Key(m.source), cache.Key(m.pixels))
	}
}

// keep gives a further view its embedding, and the model's cache too.
func (m *moved) keep(kept *cache.Cache, embedding []float32) {
	m.embedding, m.picture = embedding, nil
	kept.Add(cache.Key(m.pixels), cache.Known{Embedding: embedding})
	kept.Link(cache.Key(m.source), cache.Key(m.pixels))
}

// Moved returns the embeddings of the image's further views, where several are asked for,
// each as Embedding.
func (v *View) Moved() [][]float32 {
	embeddings := make([][]float32, len(v.moved))
	for i := range v.moved {
		embeddings[i] = v.moved[i].embedding
	}
	return embeddings
}

// submission is what a request submits to a model's queue, each picture and view once.
type submission struct {
	images []batch.Image
	index  map[digest]int // into images
}

// add takes in what of an image has to be encoded: nothing where it came as an embedding,
// the cache had it, or it is for other models.
func (s *submission) add(v *View) {
	s.addPixels(v.pixels, v.picturePixels())
	for i := range v.moved {
		s.addPixels(v.moved[i].pixels, v.moved[i].picture)
	}
}

func (s *submission) addPixels(key digest, pixels []byte) {
	if _, ok := s.index[key]; ok || pixels == nil {
		return
	}
	s.index[key] = len(s.images)
	s.images = append(s.images, batch.Image{Pixels: pixels, Key: batch.Key(key)})
}

// settle gives an image, whose source has this digest, its embeddings and its
// familiarity.
func (s *submission) settle(v *View, source digest, embeddings [][]float32) error {
	for i := range v.moved {
		if m := &v.moved[i]; m.picture != nil {
			m.keep(v.engine.cache, embeddings[s.index[m.pixels]])
		}
	}
	if v.picture == nil {
		return v.assess()
	}
	return v.keep(source, embeddings[s.index[v.pixels]])
}

// headPair is what the head is given of two images: the embedding of a view of each.
type headPair struct{ a, b []float32 }

// pairs are those whose similarities' mean is the score's: the images as they are, then
// the further views of the first side with the other image, and those of the second.
func (s *Score) pairs() []headPair {
	first, second := s.sides()
	pairs := []headPair{{first.own, second.own}}
	for i := range first.moved {
		pairs = append(pairs, headPair{first.moved[i].embedding, second.own})
	}
	for i := range second.moved {
		pairs = append(pairs, headPair{first.own, second.moved[i].embedding})
	}
	return pairs
}

// side is an image of a score with those of its further views that count.
type side struct {
	own   []float32
	moved []moved
}

// sides are those of A and B, in an order that does not depend on which image is which:
// what a run of the head rounds depends on a pair's place in it.
func (s *Score) sides() (first, second side) {
	first, second = side{s.A.embedding, s.A.moved}, side{own: s.B.embedding}
	if s.oneSided {
		return first, second
	}
	second.moved = s.B.moved
	if cmp.Or(slices.Compare(first.own, second.own), cmp.Compare(len(first.moved), len(second.moved))) > 0 {
		return second, first
	}
	return first, second
}

// take sets the similarity from those of the score's pairs, the first of all, and
// returns how many they are.
func (s *Score) take(similarities []float32) int {
	first, second := s.sides()
	ofFirst := 1 + len(first.moved)
	all := ofFirst + len(second.moved)
	s.Similarity = views.Mean(similarities[0], similarities[1:ofFirst], similarities[ofFirst:all])
	return all
}
