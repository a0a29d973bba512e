package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"siamese/imaging"
)

// headBytes is more than any format's magic bytes.
const headBytes = 64

// sniff gives the files that are images by their first bytes, and those that
// cannot be read at all, in the order of paths.
func sniff(ctx context.Context, p *imaging.Preparer, src *source, paths []string) ([]*file, error) {
	files := make([]*file, len(paths))
	err := each(ctx, len(paths), func(i int) {
		f := &file{source: src, path: paths[i]}
		head, err := f.head(headBytes)
		if err != nil {
			f.fault = reason(err)
		} else if !isImage(p, head) {
			return
		}
		files[i] = f
	})
	if err != nil {
		return nil, err
	}
	images := files[:0]
	for _, f := range files {
		if f != nil {
			images = append(images, f)
		}
	}
	return images, nil
}

// isImage asks for the format alone: whatever else Inspect has against these few
// bytes, such as a header cut short, says nothing of the whole file.
func isImage(p *imaging.Preparer, head []byte) bool {
	_, err := p.Inspect(head)
	return !errors.Is(err, &imaging.Error{Reason: imaging.ReasonFormatUnknown}) &&
		!errors.Is(err, &imaging.Error{Reason: imaging.ReasonEmpty})
}

// verify decodes every file and parts the readable ones from the names of the
// others; with Stop those are an *UnreadableError.
func verify(ctx context.Context, cfg Config, form arrangement, files []*file) (readable []*file, unreadable []string, err error) {
	if err := each(ctx, len(files), func(i int) { files[i].decode(cfg.Preparer) }); err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		if f.fault == nil {
			readable = append(readable, f)
			continue
		}
		unreadable = append(unreadable, fmt.Sprintf("%s: %v", form.name(f), f.fault))
	}
	if len(unreadable) > 0 && cfg.Unreadable == Stop {
		return nil, nil, &UnreadableError{Images: unreadable}
	}
	return readable, unreadable, nil
}

// decode proves that the file gives a picture, and holds its pixels or else its
// bytes.
func (f *file) decode(p *imaging.Preparer) {
	if f.fault != nil {
		return
	}
	data, err := f.read()
	if err != nil {
		f.fault = reason(err)
		return
	}
	picture, err := p.Prepare(data)
	if err != nil {
		f.fault = err
		return
	}
	if !f.holdPixels(picture) {
		f.hold(data)
	}
}

// reason drops the path from a file's error, since it stands beside its name.
func reason(err error) error {
	var located *fs.PathError
	if errors.As(err, &located) {
		return located.Err
	}
	return err
}

// each calls work for 0 to n-1 from as many goroutines as there are processors
// and returns when all have ended. It fails only when ctx has ended.
func each(ctx context.Context, n int, work func(i int)) error {
	var group errgroup.Group
	var next atomic.Int64
	for range min(n, runtime.GOMAXPROCS(0)) {
		group.Go(func() error {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if err := ctx.Err(); err != nil {
					return err
				}
				work(int(i))
			}
			return nil
		})
	}
	return group.Wait()
}
