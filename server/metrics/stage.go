package metrics

// Stage is a part of a call's way.
type Stage string

// The stages, in the order of a call.
const (
	// Receive is from a unary call's header to its whole message.
	Receive Stage = "receive"
	// Decode is from bytes to the network's input, for all images of a call
	// together, the wait for a free worker included.
	Decode Stage = "decode"
	// Queue is the longest wait for the encoder among the images of a call.
	Queue Stage = "queue"
	// Encode is from the end of that wait to the last embedding.
	Encode Stage = "encode"
	// Compare is the run of the head, the wait for a free one included.
	Compare Stage = "compare"
	// Send is until gRPC has taken the answer: with a client that reads slowly,
	// until there is room for it.
	Send Stage = "send"
)

// Stages lists the stages in the order of a call.
func Stages() []Stage { return []Stage{Receive, Decode, Queue, Encode, Compare, Send} }
