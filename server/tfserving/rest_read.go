package tfserving

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	tensorpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_go_proto"

	"siamese/server/internal/fault"
	"siamese/server/internal/httpapi"
	"siamese/server/tfserving/tensorflow_serving/apis"
)

// predictBody is the body of a predict call. One of Instances and Inputs is there.
type predictBody struct {
	SignatureName string          `json:"signature_name"`
	Instances     json.RawMessage `json:"instances"` // rows: a list with an element for each item
	Inputs        json.RawMessage `json:"inputs"`    // columns: a tensor for each input
}

// readBody makes a request of a body. The types of its tensors are those of the
// signature that it names.
func (s *Service) readBody(spec *apis.ModelSpec, body []byte) (predictRequest, error) {
	text, err := httpapi.TextOf(body)
	if err != nil {
		return predictRequest{}, err
	}
	var sent predictBody
	if err := json.Unmarshal(text, &sent); err != nil {
		return predictRequest{}, unreadable(err)
	}
	spec.SignatureName = sent.SignatureName
	asked, err := find(slices.Concat(savedSignatures, ownSignatures), sent.SignatureName)
	if err != nil {
		return predictRequest{}, err
	}
	columns := newColumns(asked, max(s.cfg.MaxPairs, s.cfg.MaxImages))
	isRows := sent.Instances != nil
	switch {
	case isRows == (sent.Inputs != nil):
		return predictRequest{}, fault.TensorName("received both or none of \"instances\" and \"inputs\", expected one of them")
	case isRows:
		err = columns.addRows(sent.Instances)
	default:
		err = columns.addColumns(sent.Inputs)
	}
	if err != nil {
		return predictRequest{}, err
	}
	return predictRequest{&apis.PredictRequest{ModelSpec: spec, Inputs: columns.tensors()}, isRows}, nil
}

// unreadable says why a body is none of a predict call.
func unreadable(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		expected := "an object with signature_name, and instances or inputs"
		if wrong.Field != "" {
			expected = "a string as " + wrong.Field
		}
		return fault.Unreadable("received JSON with a value of type " + wrong.Value + ", expected " + expected)
	}
	return fault.Unreadable("it is no JSON: " + fault.ClipQuoting(err.Error()))
}

// columns are a signature's inputs as they come in.
type columns struct {
	signature signature
	byInput   map[string]*column
	maxItems  int
}

func newColumns(of signature, maxItems int) columns {
	return columns{of, make(map[string]*column), maxItems}
}

// names are the signature's inputs, for people.
func (c columns) names() string { return strings.Join(c.signature.inputs, " and ") }

// column returns the input of this name, which begins where it is not there yet.
func (c columns) column(name string) (*column, error) {
	if !slices.Contains(c.signature.inputs, name) {
		return nil, fault.TensorName("received input %s, expected %s", fault.Quote(name), c.names()).At("inputs")
	}
	if c.byInput[name] == nil {
		c.byInput[name] = &column{form: c.signature.form}
	}
	return c.byInput[name], nil
}

// addRows adds "instances": objects of one element for each input, or, where there is
// one input, its elements alone.
func (c columns) addRows(instances []byte) error {
	if !isList(instances) {
		return fault.TensorInvalid("received %s, expected a list", kindOf(instances)).At("instances")
	}
	if isEmpty(instances) {
		return fault.CheckCount("instances", 0, c.maxItems)
	}
	return eachElement(instances, func(i int, row []byte) error {
		if i >= c.maxItems {
			return fault.CheckCount("instances", i+1, c.maxItems)
		}
		if isObject(row) && !isBase64(row) {
			return c.addRow(i, row)
		}
		if c.signature.isPair() {
			return fault.TensorInvalid("received %s, expected an object with %s", kindOf(row), c.names()).At(fmt.Sprintf("instances[%d]", i))
		}
		return c.addElement(c.signature.inputs[0], row)
	})
}

func (c columns) addRow(i int, row []byte) error {
	err := eachMember(row, c.addElement)
	if err != nil {
		return err
	}
	for _, name := range c.signature.inputs {
		if input := c.byInput[name]; input == nil || input.items != i+1 {
			return fault.TensorName("received not one %q, expected one each of %s", name, c.names()).At(fmt.Sprintf("instances[%d]", i))
		}
	}
	return nil
}

func (c columns) addElement(name string, value []byte) error {
	input, err := c.column(name)
	if err != nil {
		return err
	}
	return at(input.add(value), fmt.Sprintf("inputs.%s[%d]", name, input.items))
}

// addColumns adds "inputs": an object of a tensor for each input, or, where there is one
// input, its tensor alone.
func (c columns) addColumns(inputs []byte) error {
	switch {
	case isObject(inputs):
		return eachMember(inputs, c.addColumn)
	case c.signature.isPair():
		return fault.TensorInvalid("received %s, expected an object with %s", kindOf(inputs), c.names()).At("inputs")
	}
	return c.addColumn(c.signature.inputs[0], inputs)
}

func (c columns) addColumn(name string, tensor []byte) error {
	input, err := c.column(name)
	if err != nil {
		return err
	}
	field := "inputs." + name
	if !isList(tensor) || input.items > 0 {
		return fault.TensorInvalid("received %s, expected one list", kindOf(tensor)).At(field)
	}
	if isEmpty(tensor) {
		return fault.CheckCount(field, 0, c.maxItems)
	}
	return eachElement(tensor, func(i int, element []byte) error {
		if i >= c.maxItems {
			return fault.CheckCount(field, i+1, c.maxItems)
		}
		return at(input.add(element), fmt.Sprintf("%s[%d]", field, i))
	})
}

func (c columns) tensors() map[string]*tensorpb.TensorProto {
	all := make(map[string]*tensorpb.TensorProto)
	for name, input := range c.byInput {
		all[name] = input.tensor()
	}
	return all
}
