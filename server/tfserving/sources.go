package tfserving

import (
	"fmt"

	tensorpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	typepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"

	"siamese/imaging"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
)

// reader turns tensors of one call into images.
type reader struct {
	model    infer.ModelInfo
	maxItems int
	maxBytes int
	take     hold
}

// sources returns the images that a tensor has. Errors: *[fault.Fault] without a field and
// *[imaging.Error].
func (r reader) sources(form form, p *tensorpb.TensorProto) ([]infer.Source, error) {
	want := expected{maxItems: r.maxItems, maxBytes: r.maxBytes}
	switch form {
	case files:
		want.dtype, want.shape = typepb.DataType_DT_STRING, []int{-1}
	case embeddings:
		want.dtype, want.shape = typepb.DataType_DT_FLOAT, []int{-1, -1}
	default:
		want.dtype, want.shape = typepb.DataType_DT_UINT8, []int{-1, -1, -1, int(imaging.RGB)}
	}
	opened, err := openTensor(p, want)
	if err != nil {
		return nil, err
	}
	switch form {
	case files:
		return opened.files()
	case embeddings:
		return r.embeddings(opened)
	default:
		return r.pixels(opened)
	}
}

func (t tensor) files() ([]infer.Source, error) {
	all, err := t.strings()
	if err != nil {
		return nil, err
	}
	sources := make([]infer.Source, len(all))
	for i, file := range all {
		sources[i] = infer.Encoded(file)
	}
	return sources, nil
}

func (r reader) pixels(t tensor) ([]infer.Source, error) {
	if got := len(t.proto.GetTensorContent()); got > 0 && got != t.count { // as the contract has it of raw pixels
		return nil, &imaging.Error{
			Reason:  imaging.ReasonRawLength,
			Message: fmt.Sprintf("received %d bytes of raw pixels, expected %d for shape %s", got, t.count, shapeText(t.shape)),
		}
	}
	all, err := t.bytes(r.take)
	if err != nil {
		return nil, err
	}
	sources := make([]infer.Source, t.shape[0])
	size := len(all) / len(sources)
	for i := range sources {
		sources[i] = infer.Raw{Height: t.shape[1], Width: t.shape[2], Channels: imaging.RGB, Pixels: all[i*size : (i+1)*size]}
	}
	return sources, nil
}

func (r reader) embeddings(t tensor) ([]infer.Source, error) {
	if t.shape[1] != r.model.EmbeddingLength {
		return nil, fault.EmbeddingLength(t.shape[1], r.model.EmbeddingLength)
	}
	all, err := t.floats(r.take)
	if err != nil {
		return nil, err
	}
	sources := make([]infer.Source, t.shape[0])
	size := t.shape[1]
	for i := range sources {
		sources[i] = infer.Embedding{Values: all[i*size : (i+1)*size], ModelDigest: r.model.Digest}
	}
	return sources, nil
}
