package fault

import (
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	protocodec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// gRPC itself answers INTERNAL when it can't read a caller's message, before any
// handler is asked. What is here lets a handler answer in its place where that is
// possible, and tells such an INTERNAL from the server's own where it is not.

// unreadable is the field that says why a message can't be read, the last number
// that there is: no message of ours has it. A caller that sends it is told that its
// message can't be read.
const unreadable = protowire.MaxValidNumber

// packingFailed begins gRPC's words for an answer that can't be packed, which is
// the server's own fault.
const packingFailed = "grpc: error while "

// Unreadable says that a call's message can't be read, and why.
func Unreadable(why string) *Fault {
	return invalid(ReasonMessageUnreadable, "the message can't be read: %.256s", strings.ToValidUTF8(why, "?"))
}

// Codec packs and unpacks messages as gRPC's own does, but takes bytes that are no
// message: [Received] tells them. It is safe for concurrent use.
type Codec struct{ encoding.CodecV2 }

// NewCodec returns the codec; it is for grpc.ForceServerCodecV2.
func NewCodec() Codec { return Codec{encoding.GetCodecV2(protocodec.Name)} }

// Unmarshal implements encoding.CodecV2. Of bytes that are no message it leaves
// an empty one with the error's text as an unknown field.
func (c Codec) Unmarshal(data mem.BufferSlice, v any) error {
	err := c.CodecV2.Unmarshal(data, v)
	message, ok := v.(proto.Message)
	if err == nil || !ok {
		return err
	}
	proto.Reset(message)
	tag := protowire.AppendTag(nil, unreadable, protowire.BytesType)
	message.ProtoReflect().SetUnknown(protowire.AppendString(tag, err.Error()))
	return nil
}

// Received returns nil for a message that a [Codec] could read, else the fault of
// its caller. Anything else than a message is one that could be read.
func Received(message any) error {
	received, ok := message.(proto.Message)
	if !ok {
		return nil
	}
	number, kind, n := protowire.ConsumeTag(received.ProtoReflect().GetUnknown())
	if number != unreadable || kind != protowire.BytesType {
		return nil
	}
	why, _ := protowire.ConsumeString(received.ProtoReflect().GetUnknown()[n:])
	return Unreadable(why)
}

// Blame returns err, the end of a call, with the code that it is to be counted
// under: INTERNAL and UNKNOWN are the server's own only where [Explainer] gave
// them, or where an answer can't be packed. All else that gRPC calls so comes of
// what the caller sent: half a message, none or two, or a header that it can't
// take back.
func Blame(err error) error {
	ended := status.Convert(err)
	switch ended.Code() {
	case codes.Internal, codes.Unknown:
	default:
		return err
	}
	if ReasonOf(err) == ReasonInternal || strings.HasPrefix(ended.Message(), packingFailed) {
		return err
	}
	return Unreadable(ended.Message()).GRPCStatus().Err()
}
