package tfserving

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	tensorpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	shapepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_shape_go_proto"
	typepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"

	"siamese/server/internal/fault"
)

// tensor is a tensor of a request whose type and shape are those of its signature. Its
// values are not read yet.
type tensor struct {
	proto *tensorpb.TensorProto
	shape []int
	count int // of its elements, the product of shape
}

// expected is what a tensor has to be.
type expected struct {
	dtype    typepb.DataType
	shape    []int // -1: any size
	maxItems int   // of its first dimension
	maxBytes int   // of its elements, those of strings apart
}

// elementBytes is what an element of each type takes.
var elementBytes = map[typepb.DataType]int{
	typepb.DataType_DT_UINT8: 1, typepb.DataType_DT_FLOAT: 4, typepb.DataType_DT_STRING: 1,
}

// openTensor checks type and shape. Nothing is allocated by what they say. Errors:
// *[fault.Fault] without a field.
func openTensor(p *tensorpb.TensorProto, want expected) (tensor, error) {
	if p.GetDtype() != want.dtype {
		return tensor{}, fault.TensorInvalid("received a tensor of %s, expected %s", dtypeName(p.GetDtype()), dtypeName(want.dtype))
	}
	dims := p.GetTensorShape().GetDim()
	if p.GetTensorShape().GetUnknownRank() || len(dims) != len(want.shape) {
		return tensor{}, fault.TensorInvalid("received a tensor of shape %s, expected %s", shapeOf(p.GetTensorShape()), shapeText(want.shape))
	}
	opened := tensor{proto: p, count: 1}
	for i, dim := range dims {
		size := dim.GetSize()
		if size < 0 || want.shape[i] >= 0 && size != int64(want.shape[i]) {
			return tensor{}, fault.TensorInvalid("received a tensor of shape %s, expected %s", shapeOf(p.GetTensorShape()), shapeText(want.shape))
		}
		if i == 0 {
			if err := fault.CheckCount("", int(size), want.maxItems); err != nil {
				return tensor{}, err
			}
		}
		if size > int64(want.maxBytes/elementBytes[want.dtype]/max(opened.count, 1)) {
			return tensor{}, fault.TensorInvalid("received a tensor of shape %s, expected one of at most %d bytes in all", shapeOf(p.GetTensorShape()), want.maxBytes)
		}
		opened.count *= int(size)
		opened.shape = append(opened.shape, int(size))
	}
	return opened, nil
}

// hold takes bytes for a call; see admission.Hold.
type hold func(bytes int64) error

// bytes returns the elements of a tensor of uint8. They may be the request's.
func (t tensor) bytes(take hold) ([]byte, error) {
	content, values := t.proto.GetTensorContent(), t.proto.GetIntVal()
	if len(content) > 0 {
		return content, t.checkContent(1)
	}
	if err := t.checkValues("int_val", len(values)); err != nil {
		return nil, err
	}
	if err := take(int64(t.count)); err != nil {
		return nil, err
	}
	elements := make([]byte, t.count)
	for i, v := range values {
		if v < 0 || v > math.MaxUint8 {
			return nil, fault.TensorInvalid("received %d as number %d of int_val, expected 0 to 255", v, i)
		}
		elements[i] = byte(v)
	}
	repeatLast(elements, len(values))
	return elements, nil
}

// floats returns the elements of a tensor of float32. They may be the request's.
func (t tensor) floats(take hold) ([]float32, error) {
	content, values := t.proto.GetTensorContent(), t.proto.GetFloatVal()
	if len(content) == 0 && len(values) == t.count {
		return values, nil
	}
	if len(content) > 0 {
		if err := t.checkContent(4); err != nil {
			return nil, err
		}
	} else if err := t.checkValues("float_val", len(values)); err != nil {
		return nil, err
	}
	if err := take(4 * int64(t.count)); err != nil {
		return nil, err
	}
	elements := make([]float32, t.count)
	for i := range len(content) / 4 {
		elements[i] = math.Float32frombits(binary.LittleEndian.Uint32(content[4*i:]))
	}
	if len(content) == 0 {
		copy(elements, values)
		repeatLast(elements, len(values))
	}
	return elements, nil
}

// strings returns the elements of a tensor of strings, which are the request's.
func (t tensor) strings() ([][]byte, error) {
	values := t.proto.GetStringVal()
	if len(t.proto.GetTensorContent()) > 0 {
		return nil, fault.TensorInvalid("received strings in tensor_content, expected string_val")
	}
	if err := t.checkValues("string_val", len(values)); err != nil {
		return nil, err
	}
	elements := make([][]byte, t.count)
	copy(elements, values)
	repeatLast(elements, len(values))
	return elements, nil
}

// checkContent checks that tensor_content is as long as the shape says.
func (t tensor) checkContent(size int) error {
	if got := len(t.proto.GetTensorContent()); got != size*t.count {
		return fault.TensorInvalid("received %d bytes of tensor_content, expected %d for shape %s", got, size*t.count, shapeText(t.shape))
	}
	return nil
}

// checkValues checks that there are no more values than the shape says. There may be
// fewer.
func (t tensor) checkValues(field string, got int) error {
	if got > t.count {
		return fault.TensorInvalid("received %d numbers of %s, expected at most %d for shape %s", got, field, t.count, shapeText(t.shape))
	}
	return nil
}

// repeatLast does with values that are fewer than a tensor's elements as TensorFlow
// does: the last one stands for all that follow, and none for zeros.
func repeatLast[T any](elements []T, given int) {
	for i := given; given > 0 && i < len(elements); i++ {
		elements[i] = elements[given-1]
	}
}

// dtypeName is a type as TensorFlow spells it.
func dtypeName(dtype typepb.DataType) string {
	if name, ok := typepb.DataType_name[int32(dtype)]; ok {
		return name
	}
	return fmt.Sprintf("the unknown type %d", dtype)
}

// maxDimsTold is how many dimensions of a shape are told: TensorFlow has no more
// meaningful ones, and a request could have millions.
const maxDimsTold = 8

// shapeOf is a shape that was received, for people.
func shapeOf(shape *shapepb.TensorShapeProto) string {
	if shape.GetUnknownRank() {
		return "of unknown rank"
	}
	var sizes []string
	for _, dim := range shape.GetDim()[:min(len(shape.GetDim()), maxDimsTold)] {
		sizes = append(sizes, fmt.Sprint(dim.GetSize()))
	}
	if len(shape.GetDim()) > maxDimsTold {
		sizes = append(sizes, fmt.Sprintf("… %d dimensions", len(shape.GetDim())))
	}
	return "[" + strings.Join(sizes, ",") + "]"
}

// shapeText is a shape of a signature: N for the first size, else H and W, where any
// will do.
func shapeText(shape []int) string {
	letters := []string{"N", "H", "W"}
	var sizes []string
	for i, size := range shape {
		if size < 0 {
			sizes = append(sizes, letters[min(i, len(letters)-1)])
			continue
		}
		sizes = append(sizes, fmt.Sprint(size))
	}
	return "[" + strings.Join(sizes, ",") + "]"
}

// floatTensor is a tensor of float32 as TensorFlow Serving sends it: by float_val. It
// keeps values.
func floatTensor(values []float32, shape ...int) *tensorpb.TensorProto {
	return &tensorpb.TensorProto{
		Dtype:       typepb.DataType_DT_FLOAT,
		TensorShape: shapeProto(shape),
		FloatVal:    slices.Clip(values),
	}
}

func shapeProto[T int | int64](shape []T) *shapepb.TensorShapeProto {
	p := &shapepb.TensorShapeProto{}
	for _, size := range shape {
		p.Dim = append(p.Dim, &shapepb.TensorShapeProto_Dim{Size: int64(size)})
	}
	return p
}
