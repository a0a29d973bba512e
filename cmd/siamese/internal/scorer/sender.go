package scorer

import (
	"context"
	"io"

	"siamese/client"
)

// Sender calls a server with pictures, for calls that are no scores. It belongs to one
// goroutine.
type Sender struct{ r *remote }

// OpenSender makes a sender to Flags.Server, which is refused by Ask where it does not
// score as many views as score says. What the user should know of it is written
// to notes. The caller closes it.
func (f Flags) OpenSender(notes io.Writer, score ScoreFlags) (*Sender, error) {
	side, err := newSide(f.limits())
	if err != nil {
		return nil, err
	}
	r, err := f.openRemote(side, notes, score)
	return &Sender{r}, err
}

// Close ends the connection.
func (s *Sender) Close() error { return s.r.Close() }

// Ask has pictures fitted, where they are too large, for one of the server's models.
func (s *Sender) Ask(ctx context.Context, model string) error {
	s.r.options.Model = model
	_, err := s.r.ask(ctx)
	return err
}

// Call calls the server, again where it is busy and says when. Errors say which server
// it is.
func (s *Sender) Call(ctx context.Context, try func(ctx context.Context, c *client.Client) error) error {
	return s.r.locate(s.r.call(ctx, func(ctx context.Context) error { return try(ctx, s.r.client) }))
}

// Send reads pictures and sends them, in calls that keep to the server's limits. fail is
// told of those that can't be read. Ask comes before it.
func (s *Sender) Send(ctx context.Context, pictures []Picture, fail func(i int, err error), send func(indices []int, images [][]byte) error) error {
	info, err := s.r.ask(ctx)
	if err != nil {
		return err
	}
	images := make([][]byte, len(pictures))
	load := s.r.loader(pictures, images, fail)
	most := max(min(info.Limits.MaxImages, info.Limits.MaxQueuedImages), 1)
	return pack(ctx, len(pictures), most, s.r.room(), load, func(indices []int) error {
		return send(indices, take(images, indices))
	})
}

// Client is the server's, for calls that last as long as they do.
func (s *Sender) Client() *client.Client { return s.r.client }

// Locate says which server an error is of.
func (s *Sender) Locate(err error) error { return s.r.locate(err) }
