package weights

import (
	"fmt"
	"math"
)

// CheckFinite returns an error that wraps ErrInvalid and names tensor, index and value
// of the first value that is NaN or infinite, nil if there is none. A network with such
// weights may still answer: ReLU turns NaN into 0. Readers and writers of this package
// refuse them.
func (s *Set) CheckFinite() error {
	for _, t := range s.tensors {
		for i, v := range t.Data {
			// The exponent of both is all ones.
			if math.Float32bits(v)&0x7f800000 == 0x7f800000 {
				return fmt.Errorf("%w: value %d of tensor %q, of shape %d, is %v, want a finite number", ErrInvalid, i, t.Name, t.Shape, v)
			}
		}
	}
	return nil
}
