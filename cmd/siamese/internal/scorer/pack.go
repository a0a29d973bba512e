package scorer

import (
	"context"
	"fmt"
	"slices"

	"siamese/imaging"
)

// failed is the size of what is in no call.
const failed = -1

// window is how many items are loaded side by side, before any of them is sent: their
// bytes are held beside those of the next call.
const window = 8

// room is how many bytes of images a message may have: what the server takes, less what
// is around them, and no more than a quarter of the memory that all calls share.
func (r *remote) room() int64 {
	limits := r.info.Limits
	room := limits.MaxMessageBytes
	if limits.MemoryBytes > 0 {
		room = min(room, limits.MemoryBytes/4)
	}
	return max(room-room/64, 1)
}

// pack divides n items, in their order, into calls of at most most items and room bytes.
// load loads the items of a range and returns their bytes, or failed for those that
// are in no call.
func pack(ctx context.Context, n, most int, room int64, load func(ctx context.Context, from, to int) ([]int64, error), send func(indices []int) error) error {
	var call []int
	var bytes int64
	flush := func() error {
		if len(call) == 0 {
			return nil
		}
		err := send(call)
		call, bytes = nil, 0
		return err
	}
	for from := 0; from < n; from += window {
		sizes, err := load(ctx, from, min(from+window, n))
		if err != nil {
			return err
		}
		for i, size := range sizes {
			if size == failed {
				continue
			}
			if len(call) == most || bytes+size > room {
				if err := flush(); err != nil {
					return err
				}
			}
			call, bytes = append(call, from+i), bytes+size
		}
	}
	return flush()
}

// take takes the images of a call out of all of them.
func take(images [][]byte, indices []int) [][]byte {
	some := make([][]byte, len(indices))
	for i, index := range indices {
		some[i], images[index] = images[index], nil
	}
	return some
}

// loader loads pictures into images for pack.
func (r *remote) loader(pictures []Picture, images [][]byte, fail func(i int, err error)) func(ctx context.Context, from, to int) ([]int64, error) {
	return func(ctx context.Context, from, to int) ([]int64, error) {
		encoded, errs, err := r.load(ctx, pictures[from:to])
		sizes := make([]int64, to-from)
		for i := range sizes {
			images[from+i], sizes[i] = encoded[i], int64(len(encoded[i]))
			if errs[i] != nil {
				sizes[i] = failed
				fail(from+i, errs[i])
			}
		}
		return sizes, err
	}
}

// load reads pictures side by side, and makes those smaller that the server would not
// take.
func (r *remote) load(ctx context.Context, pictures []Picture) (encoded [][]byte, errs []error, err error) {
	encoded, errs = make([][]byte, len(pictures)), make([]error, len(pictures))
	smaller := make([]string, len(pictures)) // why; empty: it is sent as it is
	if err := r.makeFit(); err != nil {
		return encoded, errs, err
	}
	err = r.side.each(ctx, len(pictures), func(i int) {
		if encoded[i], errs[i] = pictures[i].Read(r.side.maxBytes()); errs[i] != nil {
			return
		}
		if smaller[i] = r.tooLarge(encoded[i]); smaller[i] != "" {
			encoded[i], errs[i] = r.shrink(ctx, encoded[i])
		}
	})
	for i, why := range smaller {
		if why != "" && errs[i] == nil && !r.noted {
			r.noted = true
			fmt.Fprintf(r.notes, "note: %s has %s: it is sent smaller, as are others like it\n", pictures[i].Name, why)
		}
	}
	return encoded, errs, err
}

// tooLarge says what of a picture is over the server's limits; empty: nothing is, or
// it is the server's to say what is wrong with it.
func (r *remote) tooLarge(encoded []byte) string {
	limits := r.info.Limits
	if most := min(limits.MaxImageBytes, r.room()/2); int64(len(encoded)) > most {
		return fmt.Sprintf("%d bytes, of which the server takes %d", len(encoded), most)
	}
	header, err := r.side.inspector.Inspect(encoded)
	if err != nil {
		return ""
	}
	switch pixels := int64(header.Width) * int64(header.Height); {
	case pixels > limits.MaxImagePixels:
		return fmt.Sprintf("%d×%d pixels, of which the server takes %d in all", header.Width, header.Height, limits.MaxImagePixels)
	case limits.MemoryBytes > 0 && header.Cost.Bytes > limits.MemoryBytes/2:
		return fmt.Sprintf("%d bytes to decode, of which the server has %d for one picture", header.Cost.Bytes, limits.MemoryBytes/2)
	case len(limits.ImageFormats) > 0 && !slices.Contains(limits.ImageFormats, string(header.Format)):
		return fmt.Sprintf("the format %s, which the server does not read", header.Format)
	}
	return ""
}

// enlarged is how many times the network's input a picture is sent where several
// networks may answer, whose inputs differ.
const enlarged = 4

// makeFit prepares for shrink: to the input of the one network that answers, by its own
// rule, a picture becomes just what it would on the server.
func (r *remote) makeFit() error {
	if r.fit != nil {
		return nil
	}
	model := r.info.Model
	config := imaging.Config{Width: model.InputWidth, Height: model.InputHeight, Alpha: r.alpha, Limits: r.side.inspector.Config().Limits}
	if model.ResizeRule == imaging.Letterbox.String() {
		config.Rule = imaging.Letterbox
	}
	if r.options.Model == auto || r.options.Model == "" && r.info.DefaultModel == auto {
		config.Width, config.Height = enlarged*config.Width, enlarged*config.Height
	}
	fit, err := imaging.New(config)
	if err != nil {
		return fmt.Errorf("server %s: its model's input: %w", r.server, err)
	}
	r.fit = fit
	return nil
}

// shrink is a picture as a PNG file that the server takes.
func (r *remote) shrink(ctx context.Context, encoded []byte) (small []byte, err error) {
	err = r.side.decode(ctx, encoded, func() error {
		picture, err := r.fit.Prepare(encoded)
		if err != nil {
			return err
		}
		small, err = picture.PNG()
		return err
	})
	if err != nil {
		return nil, pictureFailure(err)
	}
	return small, nil
}
