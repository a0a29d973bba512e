package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"siamese/server/internal/admission"
	"siamese/server/internal/fault"
)

// Front is another server's protocol as it is spoken by REST. Each of its routes is a
// call of the gRPC server spelled otherwise: it passes the gate, the guard of origins
// and the limits of bodies as the JSON calls do, and the interceptors and the handler
// of the same call over gRPC. Errors are JSON, with the message under "error".
type Front struct {
	Prefix string // of its paths, such as "/v2"; what no route answers below it is refused in JSON
	Routes []Route
}

// Route is one path of a front. [NewRoute] makes it.
type Route struct {
	pattern string
	rpc     string
	answer  func(b Backend, w http.ResponseWriter, r *http.Request, body []byte) (*Answer, error)
}

// Answer is what goes to the caller of a route whose call has succeeded.
type Answer struct {
	Status int         // 0 = 200
	Header http.Header // Content-Type and what else the protocol has; may be nil
	Body   []byte
}

// message is a pointer to a message of type T.
type message[T any] interface {
	*T
	proto.Message
}

// NewRoute returns the route of a pattern of http.ServeMux with its method, such as
// "POST /v2/models/{model}/infer", to a unary call, by its full name such as
// "/inference.GRPCInferenceService/ModelInfer". read makes the call's message of a
// request, whose body is unpacked and read's to change; write makes the answer of both
// messages. Their errors are those of calls: *[fault.Fault] or a status.
func NewRoute[T any, Reply message[T], Request proto.Message](
	pattern, rpc string,
	read func(r *http.Request, body []byte) (Request, error),
	write func(request Request, reply Reply) (*Answer, error),
) Route {
	return Route{pattern, rpc, func(b Backend, w http.ResponseWriter, r *http.Request, body []byte) (*Answer, error) {
		request, err := read(r, body)
		if err != nil {
			admission.RefuseBody(r.Context(), rpc, err)
			return nil, err
		}
		reply := Reply(new(T))
		if err := b.invoke(w, r, rpc, request, reply); err != nil {
			return nil, err
		}
		return write(request, reply)
	}}
}

// handler answers all paths of the front.
func (f Front) handler(b Backend, origins []string) (http.Handler, error) {
	routes := http.NewServeMux()
	for _, route := range f.Routes {
		routes.Handle(route.pattern, b.route(route))
	}
	return guardOrigins(origins, func(w http.ResponseWriter, r *http.Request) {
		refuseREST(w, r, status.Error(codes.PermissionDenied, otherOrigin))
	}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := routes.Handler(r); pattern == "" {
			b.drain(w, r) // as in takeBody
			refusePath(w, r, routes)
			return
		}
		routes.ServeHTTP(w, r)
	}))
}

// route answers one route.
func (b Backend) route(route Route) http.Handler {
	return b.admitAs(route.rpc, refuseREST, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := b.readCall(r)
		if err != nil {
			b.drain(w, r) // as in takeBody
			admission.RefuseBody(r.Context(), route.rpc, err)
			refuseREST(w, r, b.Explain(r.Context(), route.rpc, err))
			return
		}
		var answer *Answer
		err = fault.Guard(func() (err error) {
			answer, err = route.answer(b, w, r, body)
			return err
		})
		if err != nil {
			refuseREST(w, r, b.Explain(r.Context(), route.rpc, err))
			return
		}
		writeAnswer(w, r, answer)
	}))
}

// readCall reads the body of a request whose path names its call in text.
func (b Backend) readCall(r *http.Request) ([]byte, error) {
	if !utf8.ValidString(r.URL.Path) {
		return nil, fault.Unreadable("received path " + fault.Quote(r.URL.Path) + ", expected text in UTF-8")
	}
	return b.readPacked(r)
}

// readPacked reads the body of a request and undoes its packing.
func (b Backend) readPacked(r *http.Request) ([]byte, error) {
	packing, err := packingOf(r.Header.Values("Content-Encoding"))
	if err != nil {
		return nil, err
	}
	limit := b.maxTextBytes()
	if r.ContentLength > limit {
		return nil, status.Errorf(codes.ResourceExhausted, "received a body of %d bytes, expected at most %d", r.ContentLength, limit)
	}
	if err := admission.FitsBody(r.Context(), r.ContentLength); err != nil {
		return nil, err
	}
	return admission.ReadBody(r.Context(), r.Body, int(limit), packing)
}

// packingOf returns what a header says of its body.
func packingOf(encodings []string) (admission.Packing, error) {
	switch named := strings.ToLower(strings.Join(encodings, ", ")); named {
	case "", "identity":
		return admission.Plain, nil
	case "gzip", "x-gzip":
		return admission.Gzip, nil
	case "deflate":
		return admission.Deflate, nil
	default:
		return "", fault.Unreadable("received Content-Encoding " + fault.Quote(named) + ", expected gzip, deflate or none")
	}
}

// refusePath refuses what no route answers, as the routes say.
func refusePath(w http.ResponseWriter, r *http.Request, routes http.Handler) {
	refused := newRecorder()
	routes.ServeHTTP(refused, r)
	if allow := refused.header.Get("Allow"); allow != "" {
		w.Header().Set("Allow", allow)
		writeRefusal(w, http.StatusMethodNotAllowed, refusal{
			Error: fmt.Sprintf("received %s %s, expected %s", fault.Quote(r.Method), fault.Quote(r.URL.Path), allow),
			Code:  code.Code_UNIMPLEMENTED.String(),
		})
		return
	}
	writeRefusal(w, http.StatusNotFound, refusal{
		Error: "there is no path " + fault.Quote(r.URL.Path),
		Code:  code.Code_UNIMPLEMENTED.String(),
	})
}

// refusal is an error in JSON. Error is what other servers have; the rest is what
// calls over gRPC are told in details.
type refusal struct {
	Error    string            `json:"error"`
	Code     string            `json:"code"`               // of gRPC, such as INVALID_ARGUMENT
	Reason   string            `json:"reason,omitempty"`   // of the contract, such as IMAGE_UNDECODABLE
	Field    string            `json:"field,omitempty"`    // that is at fault
	Metadata map[string]string `json:"metadata,omitempty"` // the numbers of the message
}

// refuseREST answers with an error of a call.
func refuseREST(w http.ResponseWriter, _ *http.Request, err error) {
	ended := status.Convert(err)
	told := refusal{Error: ended.Message(), Code: code.Code(ended.Code()).String()}
	retries := false
	for _, detail := range ended.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			told.Reason, told.Metadata = d.GetReason(), d.GetMetadata()
		case *errdetails.BadRequest:
			told.Field = d.GetFieldViolations()[0].GetField()
		case *errdetails.RetryInfo:
			retries = true
			const roundUp = time.Second - 1
			w.Header().Set("Retry-After", strconv.Itoa(int((d.GetRetryDelay().AsDuration()+roundUp)/time.Second)))
		}
	}
	httpStatus := statusOf(ended.Code())
	if ended.Code() == codes.ResourceExhausted && !retries {
		httpStatus = http.StatusRequestEntityTooLarge // another try would be as large
	}
	if httpStatus == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	writeRefusal(w, httpStatus, told)
}

// clientClosedRequest is what proxies log for a caller that has left; net/http has no
// name for it.
const clientClosedRequest = 499

// statusOf is HTTP's status for a code of gRPC, as Google's APIs have it.
func statusOf(c codes.Code) int {
	switch c {
	case codes.OK:
		return http.StatusOK
	case codes.InvalidArgument, codes.FailedPrecondition, codes.OutOfRange:
		return http.StatusBadRequest
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	case codes.PermissionDenied:
		return http.StatusForbidden
	case codes.NotFound:
		return http.StatusNotFound
	case codes.AlreadyExists, codes.Aborted:
		return http.StatusConflict
	case codes.ResourceExhausted:
		return http.StatusTooManyRequests
	case codes.Canceled:
		return clientClosedRequest
	case codes.Unimplemented:
		return http.StatusNotImplemented
	case codes.Unavailable:
		return http.StatusServiceUnavailable
	case codes.DeadlineExceeded:
		return http.StatusGatewayTimeout
	default:
		return http.StatusInternalServerError
	}
}

func writeRefusal(w http.ResponseWriter, httpStatus int, told refusal) {
	body, _ := json.Marshal(told) // strings never fail
	w.Header().Set("Content-Type", kindJSON)
	w.WriteHeader(httpStatus)
	_, _ = w.Write(append(body, '\n')) // who has left reads nothing
}
