package tfmodel

import "fmt"

// shares splits a batch into what each tower takes.
func (t *Trainer) shares(batch TrainBatch) ([]TrainBatch, error) {
	if batch.Shares == nil && t.towers == 1 {
		return []TrainBatch{batch}, nil
	}
	if len(batch.Shares) != t.towers {
		return nil, fmt.Errorf("got a batch of %d shares, want one for each of %d towers", len(batch.Shares), t.towers)
	}
	total := 0
	for _, images := range batch.Shares {
		total += images
	}
	size := t.architecture.ImageBytes()
	if batch.Embeddings != nil || len(batch.Pixels) != total*size || len(batch.Labels) != total {
		return nil, fmt.Errorf("got %d bytes of pixels and %d labels, want those of the %d images of the shares", len(batch.Pixels), len(batch.Labels), total)
	}
	var shares []TrainBatch
	begin := 0
	for _, images := range batch.Shares {
		end := begin + images
		share := TrainBatch{Pixels: batch.Pixels[begin*size : end*size], Labels: batch.Labels[begin:end]}
		for i := range batch.A {
			a, b := int(batch.A[i])-begin, int(batch.B[i])-begin
			if a < 0 || a >= images {
				continue // another tower's
			}
			if b < 0 || b >= images {
				return nil, fmt.Errorf("pair %d is of images %d and %d, want both in one share", i, batch.A[i], batch.B[i])
			}
			share.A, share.B = append(share.A, int32(a)), append(share.B, int32(b))
			share.Same, share.Weights = append(share.Same, batch.Same[i]), append(share.Weights, batch.Weights[i])
		}
		shares = append(shares, share)
		begin = end
	}
	return shares, nil
}
