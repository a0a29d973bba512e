package imaging

import (
	"io"
	"time"
)

// source is encoded bytes as a decoder reads them: in pieces, so that it is asked
// between them whether to go on. A decoder that unpacks much from little reads
// little at a time.
type source struct {
	data  []byte
	piece int          // the most bytes of a Read
	goOn  func() error // nil: always
	err   error        // what goOn has returned; then the decoder gets no more
	cut   bool         // the decoder has met the end too early
}

// checkPeriod is the work between two questions, about: well below the time in which
// a small image is decoded and encoded.
const checkPeriod = 2 * time.Millisecond

// maxPiece is the size of the decoders' buffers.
const maxPiece = 4 << 10

func newSource(data []byte, work time.Duration, goOn func() error) *source {
	piece := int64(maxPiece)
	if questions := int64(work/checkPeriod) + 1; goOn != nil {
		piece = min(piece, max(int64(len(data))/questions, 1))
	}
	return &source{data: data, piece: int(piece), goOn: goOn}
}

// ask asks whether to go on.
func (s *source) ask() error {
	if s.err == nil && s.goOn != nil {
		s.err = s.goOn()
	}
	return s.err
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	if err := s.ask(); err != nil {
		return 0, err
	}
	if len(s.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), s.piece)], s.data)
	s.data = s.data[n:]
	return n, nil
}

// readerAt reads the same bytes at any place.
type readerAt struct {
	*source
	all []byte
}

// ReadAt implements io.ReaderAt.
func (r readerAt) ReadAt(p []byte, at int64) (int, error) {
	if err := r.ask(); err != nil {
		return 0, err
	}
	if at < 0 || at >= int64(len(r.all)) {
		return 0, io.EOF
	}
	n := copy(p, r.all[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
