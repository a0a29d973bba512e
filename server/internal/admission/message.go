package admission

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	gzipencoding "google.golang.org/grpc/encoding/gzip" // registers gzip for replies
	protoencoding "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"siamese/server/internal/fault"
)

// What a message takes beside the message itself: as it came, in one piece, and
// unpacked.
const messageCopies = 3

// messagePrefixBytes is what gRPC puts before a message.
const messagePrefixBytes = 5

// A part of a message, which is a message of its own or a string, takes this many
// bytes at least beside its own, however few it came in.
const partBytes = 128

// What a message in a message takes however empty it is: with the place in its list, and
// by field.
const (
	messageBytes = 64
	fieldBytes   = 24 // those of a list, the largest
)

// Options are what a gRPC server needs for its messages to be taken by the gate.
func Options() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(codec{encoding.GetCodecV2(protoencoding.Name)}),
		//nolint:staticcheck // encoding.RegisterCompressor is the whole process's, clients included
		grpc.RPCDecompressor(packed{}),
	}
}

// Guard has the messages of a service's unary calls taken by the gate, which unpacks
// them within the budget and says what is wrong with them. Those of streams are,
// by the interceptor.
func Guard(service grpc.ServiceDesc) *grpc.ServiceDesc {
	service.Methods = slices.Clone(service.Methods)
	for i := range service.Methods {
		handle := service.Methods[i].Handler
		service.Methods[i].Handler = func(srv any, ctx context.Context, receive func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
			v, err := visitIn(ctx)
			if err != nil {
				return nil, err
			}
			return handle(srv, ctx, func(into any) error { return v.receive(receive, into) }, interceptor)
		}
	}
	return &service
}

// codec leaves a message as it came where it is received as a *wireMessage.
type codec struct{ encoding.CodecV2 }

type wireMessage struct{ data mem.BufferSlice }

// Unmarshal implements encoding.CodecV2.
func (c codec) Unmarshal(data mem.BufferSlice, into any) error {
	if message, ok := into.(*wireMessage); ok {
		data.Ref()
		message.data = data
		return nil
	}
	return c.CodecV2.Unmarshal(data, into)
}

// packedMark begins what packed makes of a compressed message. No other message
// begins with it: it would be the tag of field 0, which there is not.
const packedMark = 0

// packed leaves a compressed message as it came, behind packedMark: gRPC would
// unpack it without asking for whom, and call one that is broken its own fault.
type packed struct{}

// Do implements grpc.Decompressor.
func (packed) Do(r io.Reader) ([]byte, error) {
	var all bytes.Buffer
	all.WriteByte(packedMark)
	_, err := all.ReadFrom(r)
	return all.Bytes(), err
}

// Type implements grpc.Decompressor.
func (packed) Type() string { return gzipencoding.Name }

// receive takes the call's next message from gRPC and unpacks it. Errors: what gRPC
// says, *fault.Fault where there is no room for the message, a status where it is
// none.
func (v *visit) receive(receive func(any) error, into any) error {
	var message wireMessage
	received := make(chan error, 1) // never blocks the goroutine, which outlives the call by a moment
	go func() { received <- receive(&message) }()
	select {
	case err := <-received:
		if err != nil {
			return err
		}
	case <-v.account.Refused():
		return v.noRoom()
	}
	defer message.data.Free()
	came := int64(message.data.Len()+messagePrefixBytes) * messageCopies
	size, err := v.unpack(message.data, into.(proto.Message))
	if err != nil {
		return err
	}
	v.keep(came, size)
	return nil
}

// unpack makes a message of its bytes and returns what it takes, which is taken.
func (v *visit) unpack(data mem.BufferSlice, into proto.Message) (size int64, err error) {
	plain := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer func() { plain.Free() }()
	if b := plain.ReadOnlyData(); len(b) > 0 && b[0] == packedMark {
		unpacked, err := v.inflate(b[1:])
		if err != nil {
			return 0, err
		}
		defer v.account.Give(int64(len(unpacked)) * (messageCopies - 1))
		plain.Free()
		plain = mem.SliceBuffer(unpacked)
	}
	b := plain.ReadOnlyData()
	size = int64(len(b)) + growth(b, into.ProtoReflect().Descriptor(), maxDepth)
	if !v.account.Take(size) {
		return 0, v.noRoom()
	}
	if err := (proto.UnmarshalOptions{RecursionLimit: maxNesting}).Unmarshal(b, into); err != nil {
		return 0, fault.Unreadable(fmt.Sprintf("it is no %s: %v", into.ProtoReflect().Descriptor().FullName(), err))
	}
	return size, nil
}

// inflate unpacks gzip. What it returns is taken messageCopies-1 times: it grows by
// copies.
func (v *visit) inflate(compressed []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, badPacking(Gzip, err)
	}
	all, err := v.readAll(reader, v.gate.cfg.MaxMessageBytes, messageCopies-1)
	return all, packingError(Gzip, err)
}

// Packing is how a body over HTTP is packed, as Content-Encoding spells it.
type Packing string

// The packings that [ReadBody] undoes.
const (
	Plain   Packing = ""
	Gzip    Packing = "gzip"
	Deflate Packing = "deflate" // which is HTTP's word for zlib
)

// reader returns what undoes the packing, nil where there is none.
func (p Packing) reader(packed io.Reader) (io.Reader, error) {
	switch p {
	case Gzip:
		return gzip.NewReader(packed)
	case Deflate:
		return zlib.NewReader(packed)
	default:
		return nil, nil
	}
}

// ReadBody reads the body of ctx's call, which came by Admit, and undoes its packing.
// Its bytes are taken until the call has its message, bodyCopies times: JSON, its
// parts and the message are there at once. Errors: a status where the body is longer
// than limit or breaks off; *fault.Fault where it is not packed so, or there is no room.
func ReadBody(ctx context.Context, body io.Reader, limit int, packing Packing) ([]byte, error) {
	v, err := visitIn(ctx)
	if err != nil {
		return nil, err
	}
	return v.readBody(body, limit, packing)
}

func (v *visit) readBody(body io.Reader, limit int, packing Packing) ([]byte, error) {
	reader, err := packing.reader(body)
	if err != nil {
		return nil, badPacking(packing, err)
	}
	if reader != nil {
		all, err := v.readAll(reader, limit, bodyCopies)
		return all, packingError(packing, err)
	}
	all, err := v.readAll(body, limit, bodyCopies)
	if err != nil && !known(err) {
		err = fault.Of(fmt.Errorf("the body of the call broke off: %w: %w", context.Canceled, err))
	}
	return all, err
}

// FitsBody returns an error where a body of size bytes would find no room.
func FitsBody(ctx context.Context, size int64) error {
	v, err := visitIn(ctx)
	if err != nil || v.account.Fits(size*bodyCopies) {
		return err
	}
	return v.noRoom()
}

// RefuseBody counts a call over HTTP whose body is refused with err before there is a
// call for the observer to see.
func RefuseBody(ctx context.Context, rpc string, err error) {
	if v, none := visitIn(ctx); none == nil {
		v.gate.refuse(ctx, "no message", rpc, v.caller, fault.ReasonOf(err))
	}
}

// readAll reads all of at most limit bytes and takes each copies times as it comes.
// It keeps them in parts until it has all: a buffer that grows would leave half of it
// behind each time.
func (v *visit) readAll(from io.Reader, limit int, copies int64) ([]byte, error) {
	var parts [][]byte
	size := 0
	for {
		step := min(max(size, smallestPart), largestPart)
		part := bytes.NewBuffer(make([]byte, 0, step+bytes.MinRead)) // as much as it asks for
		n, err := io.CopyN(part, from, int64(step))
		parts = append(parts, part.Bytes())
		size += int(n)
		switch {
		case size > limit:
			return nil, status.Errorf(codes.ResourceExhausted, "received a message of more than %d bytes, expected at most that", limit)
		case !v.account.Take(n * copies):
			return nil, v.noRoom()
		case errors.Is(err, io.EOF) && len(parts) == 1:
			return parts[0], nil
		case errors.Is(err, io.EOF):
			return bytes.Join(parts, nil), nil
		case err != nil:
			return nil, err
		}
	}
}

// A message is read in parts of these sizes before their bytes are taken.
const (
	smallestPart = 4 << 10
	largestPart  = 64 << 10
)

// known reports whether an error says already what the caller is to be told.
func known(err error) bool {
	_, ok := status.FromError(err)
	return ok
}

func packingError(packing Packing, err error) error {
	if err == nil || known(err) {
		return err
	}
	return badPacking(packing, err)
}

func badPacking(packing Packing, err error) error {
	return fault.Unreadable("it is said to be packed with " + string(packing) + ", and is not: " + err.Error())
}

// maxNesting is how deep messages may be in each other. TensorFlow's tensors may have
// tensors in them without end, which no call here needs.
const maxNesting = 10

// maxDepth is how deep messages are looked into, by which there is none that is unpacked
// and not counted: between a message and the next there may be a map's entry.
const maxDepth = 2 * maxNesting

// numberBytes is the most that a number takes which came as one byte, in a list of such.
const numberBytes = 8

// growth is what a message takes beside its own bytes once it is unpacked, so that one
// of few bytes and many parts or numbers costs what it takes.
func growth(b []byte, message protoreflect.MessageDescriptor, depth int) int64 {
	size := int64(0)
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return size // unmarshalling will say so
		}
		b = b[n:]
		n = protowire.ConsumeFieldValue(number, kind, b)
		if n < 0 {
			return size
		}
		size += fieldGrowth(kind, message.Fields().ByNumber(number), b, depth)
		b = b[n:]
	}
	return size
}

// fieldGrowth is the growth by the field that b begins with, nil where the message has
// no such.
func fieldGrowth(kind protowire.Type, field protoreflect.FieldDescriptor, b []byte, depth int) int64 {
	switch {
	case kind == protowire.VarintType && field != nil && field.IsList():
		return numberBytes
	case kind == protowire.StartGroupType:
		return partBytes
	case kind != protowire.BytesType:
		return 0
	case field != nil && isVarint(field.Kind()):
		packed, _ := protowire.ConsumeBytes(b)
		return partBytes + numberBytes*int64(countVarints(packed))
	case field != nil && field.Message() != nil && depth > 0:
		inner, _ := protowire.ConsumeBytes(b)
		return partSize(field.Message()) + growth(inner, field.Message(), depth-1)
	}
	return partBytes
}

// partSize is what a message in a message takes beside its own bytes and parts.
func partSize(message protoreflect.MessageDescriptor) int64 {
	return max(partBytes, messageBytes+fieldBytes*int64(message.Fields().Len()))
}

// isVarint reports whether numbers of a kind can come as one byte.
func isVarint(kind protoreflect.Kind) bool {
	switch kind {
	case protoreflect.BoolKind, protoreflect.EnumKind, protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Uint32Kind,
		protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Uint64Kind:
		return true
	}
	return false
}

// countVarints counts numbers that follow each other: the last byte of each alone has
// no high bit.
func countVarints(packed []byte) int {
	count := 0
	for _, v := range packed {
		if v < 1<<7 {
			count++
		}
	}
	return count
}

// Hold takes n bytes for ctx's call, beside those of its message, until its handler has
// ended. The error is *fault.Fault where there is no room.
func Hold(ctx context.Context, n int64) error {
	v, err := visitIn(ctx)
	if err != nil || v.account.Take(n) {
		return err
	}
	return v.noRoom()
}

// Messages are those of a stream whose handler says when it has done with each.
type Messages struct{ visit *visit }

// HoldMessages has all messages of ctx's stream counted until they are given back, in
// place of the newest ones alone. It is called before the first is received.
func HoldMessages(ctx context.Context) (*Messages, error) {
	v, err := visitIn(ctx)
	if err != nil {
		return nil, err
	}
	v.held = true
	return &Messages{v}, nil
}

// Last is what the message that was received last takes, in bytes; for the goroutine
// that receives.
func (m *Messages) Last() int64 { return m.visit.last }

// Give gives back n bytes of messages that are done with. It is safe for concurrent use.
func (m *Messages) Give(n int64) { m.visit.account.Give(n) }

// noRoom says why the account took nothing: the budget is used up, or its caller left
// while the message still came.
func (v *visit) noRoom() error {
	if v.account.Closed() {
		return fault.Of(fmt.Errorf("the call ended before its message: %w", context.Canceled))
	}
	return fault.MemoryFull(v.gate.cfg.Memory.MessageSize())
}

// keep gives back what a message took beside size bytes while it came. A stream's
// messages keep theirs until as many have come as may be under way, and the next
// two: one waits for its place, one is being read.
func (v *visit) keep(came, size int64) {
	if v.http {
		v.account.Keep(callBytes + textCopies*size)
		return
	}
	v.account.Give(came)
	if v.held {
		v.last = size
		return
	}
	v.sizes = append(v.sizes, size)
	if len(v.sizes) > v.gate.cfg.MaxWindow+2 {
		v.account.Give(v.sizes[0])
		v.sizes = v.sizes[1:]
	}
}

// What an answer takes: as a message and as its bytes; over HTTP also as they are
// brought to another form.
const (
	replyCopies = 2
	textCopies  = 4
	bodyCopies  = 8
)

// replySize is what an answer takes until it is written.
func (v *visit) replySize(reply any) int64 {
	message, ok := reply.(proto.Message)
	if !ok {
		return 0
	}
	size := int64(proto.Size(message))
	if v.http {
		return size * textCopies
	}
	return size * replyCopies
}
