// Package wire turns the contract's messages into the engine's types and back. It
// holds what unary calls and streams have in common.
package wire

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"siamese/imaging"
	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
)

// Operand is an image of a request and the path of the field that it came in.
type Operand struct {
	*infer.Image
	Field string
}

// Add takes an image of a request into images. What is wrong with it is its
// fault.
func Add(images *infer.Images, field string, image *pb.Image) Operand {
	switch source := image.GetSource().(type) {
	case *pb.Image_Encoded:
		return Operand{images.Add(infer.Encoded(source.Encoded)), field}
	case *pb.Image_Raw:
		return Operand{images.Add(raw(source.Raw)), field}
	case *pb.Image_Embedding:
		return Operand{images.Add(infer.Embedding{
			Values: source.Embedding.GetValues(), ModelDigest: source.Embedding.GetModelDigest(),
		}), field}
	case *pb.Image_Reference:
		return Operand{infer.Refused(fault.ReferenceOutsideStream()), field}
	default:
		return Operand{infer.Refused(fault.ImageUnset()), field}
	}
}

func raw(r *pb.RawPixels) infer.Raw {
	return infer.Raw{
		Width:    int(r.GetWidth()),
		Height:   int(r.GetHeight()),
		Channels: channels(r.GetFormat()),
		Pixels:   r.GetData(),
	}
}

// channels returns zero, which imaging refuses, for a format that is not known.
func channels(format pb.PixelFormat) imaging.Channels {
	switch format {
	case pb.PixelFormat_PIXEL_FORMAT_RGB8:
		return imaging.RGB
	case pb.PixelFormat_PIXEL_FORMAT_GRAY8:
		return imaging.Gray
	default:
		return 0
	}
}

// FirstFault returns the fault of the first operand that has one, with its field; nil
// where none has.
func FirstFault(operands ...Operand) *fault.Fault {
	for _, o := range operands {
		if f := o.Fault(); f != nil {
			return f.At(o.Field)
		}
	}
	return nil
}

// Check returns [FirstFault] as an error.
func Check(operands ...Operand) error {
	if f := FirstFault(operands...); f != nil {
		return f
	}
	return nil
}

// Threshold is from which similarity on images are the same.
type Threshold struct{ asked *float32 }

// NewThreshold returns the threshold that is asked for, else each model's own; field
// is the option's path.
func NewThreshold(options *pb.CompareOptions, field string) (Threshold, error) {
	if options == nil || options.Threshold == nil {
		return Threshold{}, nil
	}
	return Threshold{options.Threshold}, fault.CheckFraction(field, fault.ReasonThresholdRange, options.GetThreshold())
}

// Of returns the threshold of a model's similarities.
func (t Threshold) Of(model infer.ModelInfo) float32 {
	if t.asked != nil {
		return *t.asked
	}
	return model.Threshold
}

// Same returns the verdict.
func (t Threshold) Same(score *infer.Score) bool { return score.Similarity >= t.Of(score.Info()) }

// ModelReference returns a model as replies name it.
func ModelReference(info infer.ModelInfo) *pb.ModelReference {
	return &pb.ModelReference{Name: info.Name, Version: info.Version, Digest: info.Digest}
}

// OtherModel names the model that has answered where it is not the one that the reply
// names, else nil.
func OtherModel(score *infer.Score, named infer.ModelInfo) *pb.ModelReference {
	other := score.Info()
	if other.Name == named.Name && other.Version == named.Version && other.Digest == named.Digest {
		return nil
	}
	return ModelReference(other)
}

// PairScore returns the score of a pair in a reply that names a model.
func PairScore(score *infer.Score, threshold Threshold, named infer.ModelInfo) *pb.PairScore {
	return &pb.PairScore{
		Similarity:   score.Similarity,
		Same:         threshold.Same(score),
		PreparedAPng: score.A.PNG(),
		PreparedBPng: score.B.PNG(),
		FamiliarityA: Familiarity(score.A),
		FamiliarityB: Familiarity(score.B),
		Warning:      PairWarning(score),
		Model:        OtherModel(score, named),
	}
}

// Clock tells where the time of a call or message went.
type Clock struct {
	Started time.Time
	Compare time.Duration
}

// Timings is the clock's and the images' part together.
func (c Clock) Timings(images *infer.Images) *pb.Timings {
	times := images.Times()
	return &pb.Timings{
		Decode:  durationpb.New(times.Decode),
		Queue:   durationpb.New(times.Queue),
		Encode:  durationpb.New(times.Encode),
		Compare: durationpb.New(c.Compare),
		Total:   durationpb.New(time.Since(c.Started)),
	}
}
