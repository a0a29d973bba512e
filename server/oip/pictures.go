package oip

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"siamese/imaging"
	"siamese/proto/inference"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
)

// picture is one of a request, and the path of where it came.
type picture struct {
	source infer.Source
	field  string
}

// readInputs returns the pictures of the inputs of these names, in the order of the
// names; all have the same number of items, 1 to limit. They share the message's memory.
// Errors: *[fault.Fault] with the path of the field at fault.
func readInputs(request *inference.ModelInferRequest, names []string, limit int) ([][]picture, error) {
	if err := checkContents(request); err != nil {
		return nil, err
	}
	pictures := make([][]picture, len(names))
	for i, input := range request.GetInputs() {
		field := fmt.Sprintf("inputs[%d]", i)
		which := slices.Index(names, input.GetName())
		switch {
		case which < 0:
			return nil, fault.TensorName("received input %s, expected %s", fault.Quote(input.GetName()), list(names)).At(field + ".name")
		case pictures[which] != nil:
			return nil, fault.TensorName("received input %q twice, expected it once", input.GetName()).At(field + ".name")
		}
		read, err := readInput(request, i, limit)
		if err != nil {
			return nil, err
		}
		if first := request.GetInputs()[0].GetShape(); int64(len(read)) != first[0] {
			return nil, fault.TensorInvalid("received %d items, expected %d, as many as %q has", len(read), first[0], request.GetInputs()[0].GetName()).At(field + ".shape")
		}
		pictures[which] = read
	}
	for i, read := range pictures {
		if read == nil {
			return nil, fault.TensorName("received no input %q, expected %s", names[i], list(names)).At("inputs")
		}
	}
	return pictures, nil
}

// checkContents checks that the elements of all inputs are in one place.
func checkContents(request *inference.ModelInferRequest) error {
	raw := len(request.GetRawInputContents())
	if raw == 0 {
		return nil
	}
	if raw != len(request.GetInputs()) {
		return fault.TensorInvalid("received %d raw contents, expected one for each of %d inputs, or none", raw, len(request.GetInputs())).At("raw_input_contents")
	}
	for i, input := range request.GetInputs() {
		if input.GetContents() != nil {
			return fault.TensorInvalid("received contents of an input beside raw_input_contents, expected one of the two").At(fmt.Sprintf("inputs[%d].contents", i))
		}
	}
	return nil
}

// readInput reads the pictures of an input, of which there is at least one.
func readInput(request *inference.ModelInferRequest, index, limit int) ([]picture, error) {
	input, field := request.GetInputs()[index], fmt.Sprintf("inputs[%d]", index)
	if err := checkParameters(input.GetParameters(), field); err != nil {
		return nil, err
	}
	shape, err := checkShape(input, field, limit)
	if err != nil {
		return nil, err
	}
	sources, wrong := readElements(request, index, shape)
	if wrong != nil {
		return nil, wrong.At(field + ".contents")
	}
	pictures := make([]picture, len(sources))
	for i, source := range sources {
		pictures[i] = picture{source, fmt.Sprintf("%s[%d]", field, i)}
	}
	return pictures, nil
}

// readElements reads the elements of an input from where they are.
func readElements(request *inference.ModelInferRequest, index int, shape shape) ([]infer.Source, *fault.Fault) {
	contents, raw := request.GetInputs()[index].GetContents(), request.GetRawInputContents()
	switch {
	case len(raw) > 0 && shape.isFiles:
		return splitFiles(raw[index], shape.items)
	case len(raw) > 0:
		return shape.split(raw[index])
	case shape.isFiles:
		return filesOf(contents, shape.items)
	default:
		return shape.pixelsOf(contents)
	}
}

// shape is what an input's shape says: a number of image files, or of pictures of pixels.
type shape struct {
	items    int
	isFiles  bool
	height   int
	width    int
	channels imaging.Channels
}

// checkShape reads an input's datatype and shape.
func checkShape(input *inference.ModelInferRequest_InferInputTensor, field string, limit int) (shape, error) {
	dims := input.GetShape()
	switch datatype := input.GetDatatype(); datatype {
	case typeBytes:
		if len(dims) != 1 && (len(dims) != 2 || dims[1] != 1) {
			return shape{}, badShape(dims, "[N] or [N,1], of image files").At(field + ".shape")
		}
	case typeUint8:
		if len(dims) != 4 || dims[3] != 1 && dims[3] != 3 {
			return shape{}, badShape(dims, "[N,height,width,3], of pixels in RGB, or [N,height,width,1], in gray").At(field + ".shape")
		}
	default:
		return shape{}, fault.TensorInvalid("received datatype %s, expected BYTES, of image files, or UINT8, of pixels", fault.Quote(datatype)).At(field + ".datatype")
	}
	for _, dim := range dims {
		if dim < 0 || dim > math.MaxInt32 {
			return shape{}, badShape(dims, "no size below 0 or beyond 2147483647").At(field + ".shape")
		}
	}
	if err := fault.CheckCount(field, int(dims[0]), limit); err != nil {
		return shape{}, err
	}
	if len(dims) != 4 {
		return shape{items: int(dims[0]), isFiles: true}, nil
	}
	return shape{items: int(dims[0]), height: int(dims[1]), width: int(dims[2]), channels: imaging.Channels(dims[3])}, nil
}

func badShape(received []int64, expected string) *fault.Fault {
	const most = 8 // dimensions are told
	more := ""
	if len(received) > most {
		more = fmt.Sprintf(" and %d more", len(received)-most)
		received = received[:most]
	}
	return fault.TensorInvalid("received shape %v%s, expected %s", received, more, expected)
}

// lengthBytes is how long the length before an element of BYTES is.
const lengthBytes = 4

// splitFiles reads elements of BYTES, each behind its length.
func splitFiles(raw []byte, items int) ([]infer.Source, *fault.Fault) {
	sources := make([]infer.Source, 0, items)
	for at := 0; at < len(raw) || len(sources) < items; {
		if len(sources) == items {
			return nil, fault.TensorInvalid("received %d bytes behind the %d elements of the shape, expected none", len(raw)-at, items)
		}
		rest := raw[at:]
		if len(rest) < lengthBytes {
			return nil, fault.TensorInvalid("received %d bytes before element %d of %d, expected %d that tell its length", len(rest), len(sources), items, lengthBytes)
		}
		length := binary.LittleEndian.Uint32(rest)
		if uint64(length) > uint64(len(rest)-lengthBytes) {
			return nil, fault.TensorInvalid("received %d bytes of element %d of %d, expected the %d that it says it has", len(rest)-lengthBytes, len(sources), items, length)
		}
		end := lengthBytes + int(length)
		sources = append(sources, infer.Encoded(rest[lengthBytes:end:end]))
		at += end
	}
	return sources, nil
}

// filesOf reads elements of BYTES in contents.
func filesOf(contents *inference.InferTensorContents, items int) ([]infer.Source, *fault.Fault) {
	files := contents.GetBytesContents()
	if len(files) != items {
		return nil, fault.TensorInvalid("received %d elements in bytes_contents, expected the %d of the shape, there or in raw_input_contents", len(files), items)
	}
	sources := make([]infer.Source, items)
	for i, file := range files {
		sources[i] = infer.Encoded(file)
	}
	return sources, nil
}

// bytes returns how many bytes the pixels of one picture are, false where they are more
// than any message has.
func (s shape) bytes() (size int, ok bool) {
	product := int64(s.channels)
	for _, side := range []int{s.height, s.width} {
		if side != 0 && product > math.MaxInt32/int64(side) {
			return 0, false
		}
		product *= int64(side)
	}
	return int(product), true
}

// split reads the pixels of pictures that follow each other.
func (s shape) split(raw []byte) ([]infer.Source, *fault.Fault) {
	size, ok := s.bytes()
	if !ok || int64(len(raw)) != int64(size)*int64(s.items) {
		return nil, fault.TensorInvalid("received %d bytes, expected those of shape [%d,%d,%d,%d]", len(raw), s.items, s.height, s.width, s.channels)
	}
	sources := make([]infer.Source, s.items)
	for i := range sources {
		sources[i] = infer.Raw{Width: s.width, Height: s.height, Channels: s.channels, Pixels: raw[i*size : (i+1)*size : (i+1)*size]}
	}
	return sources, nil
}

// pixelsOf reads pixels in contents.
func (s shape) pixelsOf(contents *inference.InferTensorContents) ([]infer.Source, *fault.Fault) {
	numbers := contents.GetUintContents()
	raw := make([]byte, len(numbers))
	for i, number := range numbers {
		if number > math.MaxUint8 {
			return nil, fault.TensorInvalid("received %d as element %d, expected 0 to 255, as UINT8 has", number, i)
		}
		raw[i] = byte(number)
	}
	return s.split(raw)
}

// list joins names for people.
func list(names []string) string {
	text := ""
	for i, name := range names {
		switch {
		case i == 0:
		case i == len(names)-1:
			text += " and "
		default:
			text += ", "
		}
		text += fmt.Sprintf("%q", name)
	}
	return text
}
