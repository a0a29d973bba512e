package tfserving

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	tensorpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	typepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"

	"siamese/server/internal/fault"
)

// column is an input as it comes in, element by element of its first dimension.
type column struct {
	form  form
	items int
	shape []int // of an element; all have the first one's

	pixels  []byte
	numbers []float32
	files   [][]byte
}

// add adds an element, in JSON. Errors: *[fault.Fault] without a field.
func (c *column) add(element []byte) error {
	var err error
	switch c.form {
	case files:
		err = c.addFile(element)
	case embeddings:
		err = c.addNumbers(element, 1, c.addFloat)
	default:
		err = c.addNumbers(element, 3, c.addPixel)
	}
	if err != nil {
		return err
	}
	c.items++
	return nil
}

func (c *column) addNumbers(element []byte, rank int, add func(literal []byte) error) error {
	shape, err := readNumbers(element, rank, add)
	if err != nil {
		return err
	}
	if c.items > 0 && !slices.Equal(shape, c.shape) {
		return fault.TensorInvalid("received an element of shape %v, expected %v, as the first one has", shape, c.shape)
	}
	c.shape = shape
	return nil
}

func (c *column) addPixel(literal []byte) error {
	v, err := strconv.ParseUint(string(literal), 10, 8)
	if err != nil {
		return fault.TensorInvalid("received %s, expected a whole number, 0 to 255", fault.Quote(string(literal)))
	}
	c.pixels = append(c.pixels, byte(v))
	return nil
}

func (c *column) addFloat(literal []byte) error {
	v, err := strconv.ParseFloat(string(literal), 32)
	if err != nil || !isNumber(literal) {
		return fault.TensorInvalid("received %s, expected a number", fault.Quote(string(literal)))
	}
	c.numbers = append(c.numbers, float32(v))
	return nil
}

// isNumber reports whether a literal of JSON is a number: strconv would take some that
// are none, such as null's neighbours NaN and Inf.
func isNumber(literal []byte) bool {
	return literal[0] == '-' || literal[0] >= '0' && literal[0] <= '9'
}

// addFile adds a string: as it stands, or {"b64": …}.
func (c *column) addFile(element []byte) error {
	var text string
	if element[0] == '"' {
		err := json.Unmarshal(element, &text)
		c.files = append(c.files, []byte(text))
		return err
	}
	if !isBase64(element) {
		return fault.TensorInvalid("received %s, expected {\"b64\": …} with the bytes of an image file", kindOf(element))
	}
	var packed struct {
		B64 string `json:"b64"`
	}
	if err := json.Unmarshal(element, &packed); err != nil {
		return fault.TensorInvalid("received \"b64\" that is no string, expected base64")
	}
	file, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(packed.B64, "=")) // some clients leave out the padding
	if err != nil {
		return fault.TensorInvalid("received \"b64\" that is no base64: %v", err)
	}
	c.files = append(c.files, file)
	return nil
}

// tensor returns what has come in.
func (c *column) tensor() *tensorpb.TensorProto {
	t := &tensorpb.TensorProto{Dtype: typepb.DataType_DT_STRING, TensorShape: shapeProto(append([]int{c.items}, c.shape...)), StringVal: c.files}
	switch c.form {
	case embeddings:
		t.Dtype, t.FloatVal = typepb.DataType_DT_FLOAT, c.numbers
	case pixels:
		t.Dtype, t.TensorContent = typepb.DataType_DT_UINT8, c.pixels
	}
	return t
}
