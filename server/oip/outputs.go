package oip

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// columns are the elements of outputs, by their names, as raw_output_contents has them.
type columns map[string][]byte

func (c columns) addFloats(name string, values ...float32) {
	column := slices.Grow(c[name], 4*len(values))
	for _, value := range values {
		column = binary.LittleEndian.AppendUint32(column, math.Float32bits(value))
	}
	c[name] = column
}

func (c columns) addBool(name string, value bool) {
	element := byte(0)
	if value {
		element = 1
	}
	c[name] = append(c[name], element)
}

func indexOf(tensors []tensor, name string) int {
	return slices.IndexFunc(tensors, func(t tensor) bool { return t.name == name })
}

func outputField(i int) string { return fmt.Sprintf("outputs[%d]", i) }
