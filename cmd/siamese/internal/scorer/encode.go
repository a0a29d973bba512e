package scorer

import (
	"context"
	"crypto/sha256"
	"errors"

	"siamese"
	"siamese/imaging"
)

// work is a picture on its way to the encoder.
type work struct {
	places  []int // in the call
	picture hash
	image   siamese.Image
	known   *siamese.Encoded // by another name; then there is no image
	small   *imaging.Picture // where it was asked for
	err     error
}

// encode returns what a model makes of pictures, each distinct one of which it encodes
// once, in all views that are scored or alone, and the errors of those that it can't use.
func (l *local) encode(ctx context.Context, number int, pictures []Picture, inViews bool) ([]siamese.Encoded, []error, error) {
	return l.encodeWith(ctx, number, pictures, make([]*imaging.Picture, len(pictures)), inViews)
}

// encodeWith is encode that puts the thumbnails that are asked for into thumbnails.
func (l *local) encodeWith(ctx context.Context, number int, pictures []Picture, thumbnails []*imaging.Picture, inViews bool) ([]siamese.Encoded, []error, error) {
	model, err := l.model(ctx, number)
	if err != nil {
		return nil, nil, err
	}
	encoded, errs := make([]siamese.Encoded, len(pictures)), make([]error, len(pictures))
	from := knownKey{model: number, inViews: inViews}
	needed := l.needed(from, pictures, encoded)
	read := make([]work, len(needed))
	err = l.side.each(ctx, len(needed), func(i int) {
		read[i] = l.prepare(ctx, from, pictures[needed[i][0]])
		read[i].places = needed[i]
	})
	if err != nil {
		return nil, nil, err
	}
	if err := l.run(ctx, model, read, inViews); err != nil {
		return nil, nil, err
	}
	for _, w := range read {
		for _, place := range w.places {
			if errs[place] = w.err; w.err == nil {
				encoded[place], thumbnails[place] = *w.known, w.small
				l.keep(from, pictures[place], w.picture, *w.known)
			}
		}
	}
	return encoded, errs, nil
}

// run encodes what is not known, files of one content once.
func (l *local) run(ctx context.Context, model *siamese.Model, read []work, inViews bool) error {
	var images []siamese.Image
	at := make(map[hash]int)
	for _, w := range read {
		if _, twice := at[w.picture]; w.err == nil && w.known == nil && !twice {
			at[w.picture] = len(images)
			images = append(images, w.image)
		}
	}
	encode := model.Encode
	if inViews {
		encode = model.EncodeViews
	}
	made, err := encode(ctx, images...)
	if err != nil {
		return err
	}
	for i := range read {
		if w := &read[i]; w.err == nil && w.known == nil {
			w.known = &made[at[w.picture]]
		}
	}
	return nil
}

// needed puts what is known into encoded, and returns the places of the other
// pictures, those of one file together.
func (l *local) needed(from knownKey, pictures []Picture, encoded []siamese.Encoded) [][]int {
	var needed [][]int
	byName := make(map[string]int)
	for place, picture := range pictures {
		if picture.Data == nil {
			if seen, ok := l.seen.get(picture.Name); ok {
				if known, ok := l.known.get(from.of(seen)); ok {
					encoded[place] = known
					continue
				}
			}
		}
		at, ok := byName[picture.Name]
		if !ok {
			at = len(needed)
			byName[picture.Name] = at
			needed = append(needed, nil)
		}
		needed[at] = append(needed[at], place)
	}
	return needed
}

// prepare reads a picture, and decodes it where it is not known.
func (l *local) prepare(ctx context.Context, from knownKey, picture Picture) work {
	data, err := picture.Read(l.side.maxBytes())
	if err != nil {
		return work{err: err}
	}
	w := work{picture: sha256.Sum256(data)}
	if known, ok := l.known.peek(from.of(w.picture)); ok && picture.Thumbnail == 0 {
		w.known = &known
		return w
	}
	err = l.side.decode(ctx, data, func() (err error) {
		var prepared *imaging.Picture
		if picture.Thumbnail > 0 {
			prepared, w.small, err = l.models[from.model].PrepareWithThumbnail(data, picture.Thumbnail)
		} else {
			prepared, err = l.models[from.model].Prepare(siamese.Bytes(data))
		}
		if failure, ok := errors.AsType[*siamese.ImageError](err); ok {
			return failure.Err
		}
		w.image = siamese.Prepared(prepared)
		return err
	})
	if err != nil {
		w.err = pictureFailure(err)
	}
	return w
}

// keep remembers a picture.
func (l *local) keep(from knownKey, picture Picture, of hash, made siamese.Encoded) {
	if picture.Data == nil {
		l.seen.put(picture.Name, of)
	}
	l.known.put(from.of(of), made)
}

// of is the key of a picture.
func (k knownKey) of(picture hash) knownKey {
	k.picture = picture
	return k
}
