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

// FirstFault returns the fault of the first operand that has one, as an error.
func FirstFault(operands ...Operand) error {
	if f := firstFault(operands); f != nil {
		return f
	}
	return nil
}

// ItemError returns the fault of the first operand that has one as an item
// carries it, nil where none has.
func ItemError(operands ...Operand) *pb.ItemError {
	if f := firstFault(operands); f != nil {
		return f.Item()
	}
	return nil
}

func firstFault(operands []Operand) *fault.Fault {
	for _, o := range operands {
		if f := o.Fault(); f != nil {
			return f.At(o.Field)
		}
	}
	return nil
}

// Threshold returns the threshold that is asked for, else the model's; field is
// the option's path.
func Threshold(options *pb.CompareOptions, info infer.ModelInfo, field string) (float32, error) {
	if options == nil || options.Threshold == nil {
		return info.Threshold, nil
	}
	asked := options.GetThreshold()
	return asked, fault.CheckFraction(field, fault.ReasonThresholdRange, asked)
}

// ModelReference returns a model as replies name it.
func ModelReference(info infer.ModelInfo) *pb.ModelReference {
	return &pb.ModelReference{Name: info.Name, Version: info.Version, Digest: info.Digest}
}

// PairScore returns the score of a pair.
func PairScore(similarity, threshold float32, a, b *infer.Image) *pb.PairScore {
	return &pb.PairScore{
		Similarity:   similarity,
		Same:         similarity >= threshold,
		PreparedAPng: a.PNG(),
		PreparedBPng: b.PNG(),
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
