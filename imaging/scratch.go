package imaging

// scratch is the working memory of one resize, reused through a sync.Pool.
type scratch struct {
	row    []byte  // one row of the source, RGB
	narrow []byte  // the source's rows after the horizontal pass, RGB
	sums   []int32 // one row's sums in the vertical pass
	turned []byte  // the whole source, turned upright; only for rare orientations
	shrunk []byte  // the whole source as RGB, where the decoder shrinks
}

// maxPooledBytes is the size above which a buffer goes back to the collector: a
// pool would keep the memory of the largest image for every worker.
const maxPooledBytes = 4 << 20

// trim drops the buffers that are too large to keep.
func (s *scratch) trim() {
	for _, buffer := range []*[]byte{&s.row, &s.narrow, &s.turned, &s.shrunk} {
		if cap(*buffer) > maxPooledBytes {
			*buffer = nil
		}
	}
}

// grow sets the buffer to n elements, of undefined content.
func grow[T any](buffer *[]T, n int) []T {
	if cap(*buffer) < n {
		*buffer = make([]T, n)
	}
	*buffer = (*buffer)[:n]
	return *buffer
}
