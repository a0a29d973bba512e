package scorer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc/codes"

	"siamese/client"
	"siamese/imaging"
	"siamese/internal/regular"
)

// Picture is a picture file, read when it is needed, or what was read already.
type Picture struct {
	// Name is the file's path, or what to call Data in errors.
	Name string
	// Data is the encoded picture; nil: it is in the file. It must not be changed.
	Data []byte
	// Thumbnail asks Embed for a small picture of the whole, with a longer side of so
	// many pixels; 0: for none. Data must be there then.
	Thumbnail int
}

// Read returns the encoded picture of at most maxBytes. Only regular files are read.
func (p Picture) Read(maxBytes int) ([]byte, error) {
	if p.Data != nil {
		return p.Data, nil
	}
	return regular.Read(p.Name, int64(maxBytes))
}

// ReadAll reads a picture from in, such as standard input, whole. ctx ends the wait.
func ReadAll(ctx context.Context, name string, in io.Reader, maxBytes int) (Picture, error) {
	type read struct {
		data []byte
		err  error
	}
	done := make(chan read, 1) // 1: the reader ends though nobody waits any more
	go func() {
		data, err := io.ReadAll(io.LimitReader(in, int64(maxBytes)+1))
		done <- read{data, err}
	}()
	select {
	case <-ctx.Done():
		return Picture{}, ctx.Err()
	case r := <-done:
		if r.err == nil && len(r.data) > maxBytes {
			r.err = fmt.Errorf("received more than %d bytes, expected at most that", maxBytes)
		}
		if r.err != nil {
			return Picture{}, fmt.Errorf("%s: %w", name, r.err)
		}
		if len(r.data) == 0 {
			return Picture{}, fmt.Errorf("%s: received nothing, expected a picture", name)
		}
		return Picture{Name: name, Data: r.data}, nil
	}
}

// OpenPicture reads a file that the command line names, which may be a pipe, now.
func OpenPicture(ctx context.Context, path string, maxBytes int) (Picture, error) {
	file, err := os.Open(path)
	if err != nil {
		return Picture{}, err
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		data, err := regular.Read(path, int64(maxBytes))
		if data == nil {
			data = []byte{} // an empty file is read, too
		}
		return Picture{Name: path, Data: data}, err
	}
	return ReadAll(ctx, path, file, maxBytes)
}

// hash identifies an encoded picture.
type hash = [sha256.Size]byte

// pictureFailure is a picture's error as a server would tell it.
func pictureFailure(err error) error {
	picture, ok := errors.AsType[*imaging.Error](err)
	if !ok {
		return err
	}
	return &client.Error{Code: codes.InvalidArgument, Reason: string(picture.Reason), Message: picture.Message}
}

// decodeBudget bounds the memory of the pictures that are decoded side by side, in
// bytes; a dearer one is decoded alone.
const decodeBudget = 2 << 30

// side runs work on pictures side by side: one a core, within decodeBudget.
type side struct {
	inspector *imaging.Preparer
	budget    *semaphore.Weighted
}

func newSide(limits imaging.Limits) (*side, error) {
	inspector, err := imaging.New(imaging.Config{Limits: limits})
	if err != nil {
		return nil, err
	}
	return &side{inspector, semaphore.NewWeighted(decodeBudget)}, nil
}

func (s *side) maxBytes() int { return s.inspector.Config().Limits.MaxBytes }

// each calls work for 0 to n-1, side by side. It ends at ctx's end, whose error is the
// only one.
func (s *side) each(ctx context.Context, n int, work func(i int)) error {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		group.Go(func() error {
			if ctx.Err() == nil {
				work(i)
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}

// thumbnail decodes a picture for its thumbnail alone.
func (s *side) thumbnail(ctx context.Context, picture Picture) (thumbnail *imaging.Picture, err error) {
	err = s.decode(ctx, picture.Data, func() error {
		_, thumbnail, err = s.inspector.PrepareWithThumbnail(picture.Data, picture.Thumbnail, ctx.Err)
		return err
	})
	return thumbnail, err
}

// decode calls a function that decodes a picture once there is memory for it.
func (s *side) decode(ctx context.Context, encoded []byte, use func() error) error {
	header, err := s.inspector.Inspect(encoded)
	if err != nil {
		return err
	}
	cost := min(header.Cost.Bytes, decodeBudget)
	if err := s.budget.Acquire(ctx, cost); err != nil {
		return err
	}
	defer s.budget.Release(cost)
	return use()
}
