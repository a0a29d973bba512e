package tfserving

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	tensorpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"siamese/server/internal/admission"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
	"siamese/server/tfserving/tensorflow_serving/apis"
)

// Predict implements apis.PredictionServiceServer: it runs a signature of a model.
func (s *Service) Predict(ctx context.Context, req *apis.PredictRequest) (*apis.PredictResponse, error) {
	model, name, err := s.acquire(req.GetModelSpec())
	if err != nil {
		return nil, err
	}
	defer model.Release()
	asked, err := find(signaturesOf(model.Info(), name == infer.Auto), req.GetModelSpec().GetSignatureName())
	if err != nil {
		return nil, err
	}
	if err := asked.checkInputs(req.GetInputs()); err != nil {
		return nil, err
	}
	if err := asked.checkFilter(req.GetOutputFilter()); err != nil {
		return nil, err
	}
	c := s.newCall(ctx, model, asked)
	defer c.images.Release()
	return c.run(ctx, req, name)
}

// call is a Predict under way.
type call struct {
	model     *infer.Handle
	signature signature
	images    *infer.Images
	reader    reader
}

func (s *Service) newCall(ctx context.Context, model *infer.Handle, asked signature) *call {
	c := &call{
		model: model, signature: asked,
		images: model.NewImages(infer.ImagesConfig{Caller: admission.Caller(ctx)}),
		reader: reader{
			model: model.Info(), maxItems: s.cfg.MaxImages, maxBytes: s.cfg.MaxTensorBytes,
			take: func(bytes int64) error { return admission.Hold(ctx, bytes) },
		},
	}
	if asked.isPair() {
		c.reader.maxItems = s.cfg.MaxPairs
	}
	return c
}

// operand is an image of the call and the path of its element in the request.
type operand struct {
	*infer.Image
	input string
	index int
}

// run reads the inputs, has the images prepared and encoded, and makes the output.
func (c *call) run(ctx context.Context, req *apis.PredictRequest, name string) (*apis.PredictResponse, error) {
	operands, err := c.operands(req.GetInputs())
	if err != nil {
		return nil, err
	}
	if err := c.images.Prepare(ctx); err != nil {
		return nil, err
	}
	if err := check(operands); err != nil {
		return nil, err
	}
	needed := make([]*infer.Image, len(operands))
	for i, o := range operands {
		needed[i] = o.Image
	}
	if err := c.images.Encode(ctx, needed); err != nil {
		return nil, err
	}
	if c.signature.isPair() {
		return c.similarities(ctx, needed, name)
	}
	return c.embeddings(needed), nil
}

// operands returns the images of all inputs: those of the first input, then those of
// the second, as many.
func (c *call) operands(inputs map[string]*tensorpb.TensorProto) ([]operand, error) {
	var all []operand
	count := 0
	for i, input := range c.signature.inputs {
		sources, err := c.reader.sources(c.signature.form, inputs[input])
		if err != nil {
			return nil, at(err, "inputs."+input)
		}
		if i > 0 && len(sources) != count {
			return nil, fault.TensorInvalid("received %d items, expected %d, as of %s", len(sources), count, c.signature.inputs[0]).At("inputs." + input)
		}
		count = len(sources)
		for k, source := range sources {
			all = append(all, operand{c.images.Add(source), input, k})
		}
	}
	if err := check(all); err != nil || !c.signature.isPair() {
		return all, err
	}
	for i := range count {
		if f := c.images.Pair(all[i].Image, all[count+i].Image); f != nil {
			return nil, f.At(all[count+i].field())
		}
	}
	return all, nil
}

// field is the path of the operand's element, such as "inputs.image_a[3]".
func (o operand) field() string { return fmt.Sprintf("inputs.%s[%d]", o.input, o.index) }

// check returns the fault of the first operand that has one.
func check(operands []operand) error {
	for _, o := range operands {
		if f := o.Fault(); f != nil {
			return f.At(o.field())
		}
	}
	return nil
}

// at returns an error with the path of the field that it is found in, where a field is
// at fault.
func at(err error, field string) error {
	if found := fault.Of(err); found != nil && status.Code(found) == codes.InvalidArgument {
		return found.At(field)
	}
	return err
}

// similarities scores each image of the first half against that of the second.
func (c *call) similarities(ctx context.Context, images []*infer.Image, name string) (*apis.PredictResponse, error) {
	pairs := make([]infer.Pair, len(images)/2)
	for i := range pairs {
		pairs[i] = infer.Pair{A: images[i], B: images[len(pairs)+i]}
	}
	scores, err := c.model.Compare(ctx, pairs)
	if err != nil {
		return nil, err
	}
	values := make([]float32, len(scores))
	for i := range scores {
		values[i] = scores[i].Similarity
	}
	return c.response(c.answeredBy(scores, name), floatTensor(values, len(values))), nil
}

// answeredBy names the model that has answered; of infer.Auto that one where it is the
// same for all scores.
func (c *call) answeredBy(scores []infer.Score, name string) *apis.ModelSpec {
	first := scores[0].Info()
	for i := range scores {
		if scores[i].Info().Digest != first.Digest {
			return &apis.ModelSpec{Name: name, SignatureName: c.signature.name}
		}
	}
	return specOf(first, c.signature.name)
}

func (c *call) embeddings(images []*infer.Image) *apis.PredictResponse {
	length := c.model.Info().EmbeddingLength
	values := make([]float32, 0, len(images)*length)
	for _, image := range images {
		values = append(values, image.Best().Embedding()...)
	}
	return c.response(specOf(c.model.Info(), c.signature.name), floatTensor(values, len(images), length))
}

func (c *call) response(spec *apis.ModelSpec, output *tensorpb.TensorProto) *apis.PredictResponse {
	return &apis.PredictResponse{ModelSpec: spec, Outputs: map[string]*tensorpb.TensorProto{c.signature.output: output}}
}

// checkInputs checks that a call has the signature's inputs and no others.
func (s signature) checkInputs(inputs map[string]*tensorpb.TensorProto) error {
	for _, input := range s.inputs {
		if _, ok := inputs[input]; !ok {
			return fault.TensorName("received no input %q, expected %s", input, strings.Join(s.inputs, " and ")).At("inputs." + input)
		}
	}
	for _, input := range slices.Sorted(maps.Keys(inputs)) {
		if !slices.Contains(s.inputs, input) {
			return fault.TensorName("received input %s, expected %s", fault.Quote(input), strings.Join(s.inputs, " and ")).At("inputs")
		}
	}
	return nil
}

// checkFilter checks that the outputs that are asked for are the signature's, each once.
func (s signature) checkFilter(outputs []string) error {
	for i, output := range outputs {
		if output != s.output || i > 0 {
			return fault.TensorName("received output %s, expected %q once, or none for all", fault.Quote(output), s.output).At(fmt.Sprintf("output_filter[%d]", i))
		}
	}
	return nil
}
