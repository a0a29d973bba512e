package httpapi

import (
	"bytes"
	"fmt"

	"connectrpc.com/connect"
	"connectrpc.com/vanguard"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"siamese/server/internal/fault"
)

// jsonCodec takes JSON as clients write it, holds the caller to account for JSON that
// is none, where the transcoder's own would take it for a failure of the server's, and
// writes answers without fields that say nothing.
type jsonCodec struct{ *vanguard.JSONCodec }

// newJSONCodec returns the codec.
func newJSONCodec(types vanguard.TypeResolver) vanguard.Codec {
	codec := vanguard.NewJSONCodec(types)
	codec.MarshalOptions.EmitUnpopulated = false
	codec.MarshalOptions.EmitDefaultValues = true // a similarity of 0 is an answer
	codec.MarshalOptions.AllowPartial = true      // no message has required fields, and a terse one can't be asked
	return jsonCodec{codec}
}

// maxObjects bounds the objects of a message in JSON: those of two bytes each would
// take fifty times as much. No message of the contract needs as many.
const maxObjects = 1 << 16

// byteOrderMark begins text of some editors and shells; it is no JSON.
var byteOrderMark = []byte("\xef\xbb\xbf")

// TextOf returns a body of JSON without what some editors and shells put before it.
// Errors: *[fault.Fault] where they have written another encoding.
func TextOf(body []byte) ([]byte, error) {
	if bytes.HasPrefix(body, []byte("\xff\xfe")) || bytes.HasPrefix(body, []byte("\xfe\xff")) {
		return nil, fault.Unreadable("received text in UTF-16, expected JSON in UTF-8")
	}
	return bytes.TrimPrefix(body, byteOrderMark), nil
}

// Unmarshal implements vanguard.Codec. It changes data, which the transcoder reads no
// more.
func (c jsonCodec) Unmarshal(data []byte, message proto.Message) error {
	data, err := TextOf(data)
	if err != nil {
		return connectError(err)
	}
	if objects := bytes.Count(data, []byte("{")); objects > maxObjects {
		return connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("received JSON of %d objects, expected at most %d", objects, maxObjects))
	}
	if err := tidyBase64(data, message.ProtoReflect().Descriptor()); err != nil {
		return connectError(err)
	}
	if err := c.JSONCodec.Unmarshal(data, message); err != nil {
		return connect.NewError(connect.CodeInvalidArgument,
			fmt.Errorf("expected a %s in JSON: %s", message.ProtoReflect().Descriptor().Name(), fault.ClipQuoting(err.Error())))
	}
	return nil
}

// MarshalAppend implements vanguard.Codec.
func (c jsonCodec) MarshalAppend(base []byte, message proto.Message) ([]byte, error) {
	return c.JSONCodec.MarshalAppend(base, terse{message.ProtoReflect()})
}

// MarshalAppendStable implements vanguard.StableCodec.
func (c jsonCodec) MarshalAppendStable(base []byte, message proto.Message) ([]byte, error) {
	return c.JSONCodec.MarshalAppendStable(base, terse{message.ProtoReflect()})
}

// terse is a message of which protojson does not write empty bytes and texts: pictures
// that nobody asked for, warnings that there are not. Numbers, verdicts and lists are
// written also where they are 0, false or empty. It is for protojson alone.
type terse struct{ protoreflect.Message }

// ProtoReflect implements proto.Message.
func (t terse) ProtoReflect() protoreflect.Message { return t }

// Interface implements protoreflect.Message.
func (t terse) Interface() protoreflect.ProtoMessage { return t }

// Has implements protoreflect.Message. Of empty bytes and texts it claims that they are
// there, so that protojson does not add them; Range leaves them out all the same.
func (t terse) Has(field protoreflect.FieldDescriptor) bool {
	isText := field.Kind() == protoreflect.BytesKind || field.Kind() == protoreflect.StringKind
	return isText && !field.IsList() && !field.IsMap() || t.Message.Has(field)
}

// Range implements protoreflect.Message.
func (t terse) Range(visit func(protoreflect.FieldDescriptor, protoreflect.Value) bool) {
	t.Message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.Message() == nil || field.IsMap():
		case field.IsList():
			value = protoreflect.ValueOfList(terseList{value.List()})
		default:
			value = protoreflect.ValueOfMessage(terse{value.Message()})
		}
		return visit(field, value)
	})
}

// terseList is a list of messages that are terse.
type terseList struct{ protoreflect.List }

// Get implements protoreflect.List.
func (l terseList) Get(i int) protoreflect.Value {
	return protoreflect.ValueOfMessage(terse{l.List.Get(i).Message()})
}
