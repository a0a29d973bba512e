package hdf5

import "fmt"

const (
	// maxRank is generous: a convolution's kernel has four dimensions.
	maxRank = 8

	dataspaceNull = 2 // version 2: no elements at all
)

// dataspace is the shape of a dataset or an attribute; a scalar has no dimensions.
type dataspace struct {
	dims []uint64
	null bool
}

func parseDataspace(body []byte) (dataspace, error) {
	f := newFields(body)
	version, rank := f.u8(), int(f.u8())
	f.skip(1) // says whether largest sizes follow; they matter to chunked data alone
	var space dataspace
	switch version {
	case 1:
		f.skip(5)
	case 2:
		space.null = f.u8() == dataspaceNull
	default:
		return dataspace{}, fmt.Errorf("%w: dataspace version %d, want 1 or 2", ErrUnsupported, version)
	}
	if rank > maxRank {
		return dataspace{}, fmt.Errorf("%w: %d dimensions, want at most %d", ErrUnsupported, rank, maxRank)
	}
	for range rank {
		space.dims = append(space.dims, f.u64())
	}
	if f.err != nil {
		return dataspace{}, fmt.Errorf("dataspace: %w", f.err)
	}
	return space, nil
}

// count returns the number of elements, or an error where it exceeds limit.
func (d dataspace) count(limit uint64) (uint64, error) {
	if d.null {
		return 0, nil
	}
	n := uint64(1)
	for _, dim := range d.dims {
		if dim != 0 && n > limit/dim {
			return 0, fmt.Errorf("%w: shape %d has more than %d elements", ErrCorrupt, d.dims, limit)
		}
		n *= dim
	}
	if n > limit {
		return 0, fmt.Errorf("%w: shape %d has more than %d elements", ErrCorrupt, d.dims, limit)
	}
	return n, nil
}
