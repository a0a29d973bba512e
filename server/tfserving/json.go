package tfserving

import (
	"bytes"
	"encoding/json"

	"siamese/server/internal/fault"
)

// What is here reads JSON that is known to be valid, piece by piece: a list of a million
// numbers takes many times its size once encoding/json has made values of it.

// cursor is a place in valid JSON.
type cursor struct {
	data []byte
	at   int
}

// peek returns the next byte that is no space, 0 at the end.
func (c *cursor) peek() byte {
	for c.at < len(c.data) {
		switch b := c.data[c.at]; b {
		case ' ', '\t', '\r', '\n':
			c.at++
		default:
			return b
		}
	}
	return 0
}

// value returns the next value and goes behind it.
func (c *cursor) value() []byte {
	c.peek()
	begins, depth := c.at, 0
	for c.at < len(c.data) {
		switch c.data[c.at] {
		case '"':
			c.skipString()
		case '[', '{':
			depth++
			c.at++
		case ']', '}':
			depth--
			c.at++
		default:
			c.skipLiteral()
		}
		if depth == 0 {
			break
		}
		c.skipSeparators()
	}
	return c.data[begins:c.at]
}

func (c *cursor) skipString() {
	for c.at++; c.at < len(c.data) && c.data[c.at] != '"'; c.at++ {
		if c.data[c.at] == '\\' {
			c.at++
		}
	}
	c.at = min(c.at+1, len(c.data))
}

// skipLiteral goes behind a number or word, at least by one byte.
func (c *cursor) skipLiteral() {
	n := bytes.IndexAny(c.data[c.at+1:], ",:]} \t\r\n")
	if n < 0 {
		c.at = len(c.data)
		return
	}
	c.at += 1 + n
}

func (c *cursor) skipSeparators() {
	for b := c.peek(); b == ',' || b == ':'; b = c.peek() {
		c.at++
	}
}

// eachElement calls do for each element of a list until it returns an error.
func eachElement(list []byte, do func(i int, element []byte) error) error {
	c := cursor{list, 1}
	for i := 0; c.peek() != ']' && c.peek() != 0; i++ {
		if err := do(i, c.value()); err != nil {
			return err
		}
		c.skipSeparators()
	}
	return nil
}

// eachMember calls do for each member of an object until it returns an error.
func eachMember(object []byte, do func(name string, value []byte) error) error {
	c := cursor{object, 1}
	for c.peek() != '}' && c.peek() != 0 {
		var name string
		if err := json.Unmarshal(c.value(), &name); err != nil {
			return fault.Unreadable(err.Error())
		}
		c.skipSeparators()
		if err := do(name, c.value()); err != nil {
			return err
		}
		c.skipSeparators()
	}
	return nil
}

// readNumbers reads lists of numbers, rank deep, and returns their sizes. add is called
// for each number.
func readNumbers(lists []byte, rank int, add func(literal []byte) error) (shape []int, err error) {
	if rank == 0 {
		if isList(lists) || isObject(lists) || lists[0] == '"' {
			return nil, fault.TensorInvalid("received %s, expected a number", kindOf(lists))
		}
		return nil, add(lists)
	}
	if !isList(lists) {
		return nil, fault.TensorInvalid("received %s, expected a list, %d deep", kindOf(lists), rank)
	}
	count := 0
	var first []int
	err = eachElement(lists, func(i int, element []byte) error {
		inner, err := readNumbers(element, rank-1, add)
		if err != nil {
			return err
		}
		if count++; i == 0 {
			first = inner
		}
		return checkSameShape(first, inner)
	})
	if first == nil { // of an empty list
		first = make([]int, rank-1)
	}
	return append([]int{count}, first...), err
}

// checkSameShape says that lists of numbers differ in length.
func checkSameShape(first, other []int) error {
	for i, size := range first {
		if size != other[i] {
			return fault.TensorInvalid("received lists of %d and of %d elements beside each other, expected all of one length", size, other[i])
		}
	}
	return nil
}

func isList(value []byte) bool { return len(value) > 0 && value[0] == '[' }

// isEmpty reports whether a list has no elements.
func isEmpty(list []byte) bool { return (&cursor{list, 1}).peek() == ']' }

func isObject(value []byte) bool { return len(value) > 0 && value[0] == '{' }

// isBase64 reports whether a value is {"b64": …}.
func isBase64(value []byte) bool {
	if !isObject(value) {
		return false
	}
	members, found := 0, false
	err := eachMember(value, func(name string, _ []byte) error {
		members++
		found = found || name == "b64"
		return nil
	})
	return err == nil && found && members == 1
}

// kindOf says what a value is.
func kindOf(value []byte) string {
	switch {
	case isList(value):
		return "a list"
	case isObject(value):
		return "an object"
	case len(value) > 0 && value[0] == '"':
		return "a string"
	default:
		return fault.Quote(string(value))
	}
}
