package client_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"

	"siamese/client"
	"siamese/server"
)

// The stand-in network takes 16x16 pixels and makes their mean of them, 0..1; a
// similarity is 1 - |a-b|.
const inputSide = 16

var meanInfo = server.ModelInfo{
	Name: "mean", Version: "1", Digest: "0ff1ce",
	Height: inputSide, Width: inputSide, EmbeddingLength: 1,
	Threshold: 0.75, Device: "cpu",
	MaxBatch: 1, // so that a run of the encoder is an image
}

// setModel gives a server its model, the only one.
func setModel(s *server.Server, model server.Model) error {
	if err := s.AddModel(model, meanInfo); err != nil {
		return err
	}
	return s.Router(meanInfo.Name).Route(meanInfo.Version, nil)
}

// meanModel is the stand-in. encode, where set, runs first, once an image, and
// may block or fail.
type meanModel struct {
	encode func(level byte) error
}

func (m meanModel) Encode(_ context.Context, pixels []byte) ([]float32, error) {
	const imageBytes = inputSide * inputSide * 3
	var means []float32
	for picture := range slices.Chunk(pixels, imageBytes) {
		if m.encode != nil {
			if err := m.encode(picture[0]); err != nil {
				return nil, err
			}
		}
		var sum int
		for _, v := range picture {
			sum += int(v)
		}
		means = append(means, float32(sum)/float32(255*imageBytes))
	}
	return means, nil
}

func (m meanModel) Compare(_ context.Context, a, b []float32) ([]float32, error) {
	similarities := make([]float32, len(a))
	for i := range a {
		similarities[i] = 1 - max(a[i]-b[i], b[i]-a[i])
	}
	return similarities, nil
}

// gate blocks the encoder until it is opened.
type gate chan struct{}

// encodeBut lets pictures of some levels through.
func (g gate) encodeBut(levels ...byte) func(byte) error {
	return func(level byte) error {
		if !slices.Contains(levels, level) {
			<-g
		}
		return nil
	}
}

func (g gate) open() { close(g) }

// gray returns the PNG file of a picture in one level of grey.
func gray(level byte) []byte {
	picture := image.NewGray(image.Rect(0, 0, inputSide, inputSide))
	for i := range picture.Pix {
		picture.Pix[i] = level
	}
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		panic(err) // a buffer does not fail
	}
	return file.Bytes()
}

// host is an address at which real servers come and go.
type host struct {
	t   *testing.T
	cfg server.Config

	mu       sync.Mutex
	listener *bufconn.Listener // nil: nobody listens
	conns    []net.Conn
	cancel   context.CancelFunc
	served   chan error
}

func newHost(t *testing.T, cfg server.Config) *host {
	h := &host{t: t, cfg: cfg}
	t.Cleanup(h.kill)
	return h
}

// start starts a server with a model.
func (h *host) start(model server.Model) {
	h.t.Helper()
	s, err := server.New(h.cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := setModel(s, model); err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	h.mu.Lock()
	defer h.mu.Unlock()
	listener, served := bufconn.Listen(64<<10), make(chan error, 1)
	h.listener, h.cancel, h.served = listener, cancel, served
	go func() { served <- s.Serve(ctx, listener) }()
}

// stop tells the server to stop as SIGTERM does and returns at once.
func (h *host) stop() { h.cancel() }

// kill ends the server in the middle of whatever it does, and its connections,
// and waits for the encoder. Without a server it does nothing.
func (h *host) kill() {
	h.mu.Lock()
	listener, conns := h.listener, h.conns
	h.listener, h.conns = nil, nil
	h.mu.Unlock() // a wait with it would stop a bubble's clock
	if listener == nil {
		return
	}
	_ = listener.Close()
	for _, conn := range conns {
		_ = conn.Close()
	}
	<-h.served
	h.cancel()
}

func (h *host) dial(ctx context.Context, _ string) (net.Conn, error) {
	h.mu.Lock()
	listener := h.listener
	h.mu.Unlock()
	if listener == nil {
		return nil, errors.New("nobody listens")
	}
	conn, err := listener.DialContext(ctx)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns = append(h.conns, conn)
	return conn, nil
}

// live starts a Live that ends with the test.
func (h *host) live(config client.LiveConfig) *watched {
	h.t.Helper()
	return watch(h.t, h.dial, config)
}

// watched is a Live with what its updates told.
type watched struct {
	*client.Live
	t *testing.T
}

type dialer func(context.Context, string) (net.Conn, error)

func watch(t *testing.T, dial dialer, config client.LiveConfig) *watched {
	t.Helper()
	l, err := connectTo(t, dial).Live(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return &watched{Live: l, t: t}
}

func connectTo(t *testing.T, dial dialer) *client.Client {
	t.Helper()
	c, err := client.New("passthrough:///host", grpc.WithContextDialer(dial))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// result returns the next result and passes over other updates.
func (w *watched) result() client.Result {
	w.t.Helper()
	return *awaited(w, "a result", func(u client.Update) *client.Result { return u.Result })
}

// refusal returns the next error of a reference.
func (w *watched) refusal() client.ReferenceError {
	w.t.Helper()
	return *awaited(w, "an error of a reference", func(u client.Update) *client.ReferenceError { return u.ReferenceError })
}

// phase returns the next state of a phase.
func (w *watched) phase(phase client.Phase) client.State {
	w.t.Helper()
	return *awaited(w, string(phase), func(u client.Update) *client.State {
		if u.State == nil || u.State.Phase != phase {
			return nil
		}
		return u.State
	})
}

// patience is far more than anything here takes.
const patience = 10 * time.Minute

func awaited[T any](w *watched, what string, pick func(client.Update) *T) *T {
	w.t.Helper()
	limit := time.After(patience)
	for {
		select {
		case update, ok := <-w.Updates():
			if !ok {
				w.t.Fatalf("the updates ended before %s", what)
			}
			if found := pick(update); found != nil {
				return found
			}
		case <-limit:
			w.t.Fatalf("no %s within %v", what, patience)
		}
	}
}

// drained returns what updates there are now.
func (w *watched) drained() (all []client.Update) {
	for {
		select {
		case update, ok := <-w.Updates():
			if !ok {
				return all
			}
			all = append(all, update)
		default:
			return all
		}
	}
}

// offer offers a picture in one level of grey, with a time that belongs to its
// id.
func (w *watched) offer(id int64, level byte) {
	w.Offer(client.Frame{ID: id, Captured: captured(id), Image: gray(level)})
}

func captured(id int64) time.Time { return time.Unix(id, 5) }
