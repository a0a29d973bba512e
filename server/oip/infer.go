package oip

import (
	"cmp"
	"context"
	"time"

	"siamese/proto/inference"
	"siamese/server/internal/admission"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
)

// ModelInfer scores pairs or makes embeddings. The protocol has no error of one item:
// one that can't be used fails the request, and the field names it.
func (s *Service) ModelInfer(ctx context.Context, request *inference.ModelInferRequest) (*inference.ModelInferResponse, error) {
	started := time.Now()
	t, err := s.acquire(request.GetModelName(), request.GetModelVersion())
	if err != nil {
		return nil, err
	}
	defer t.release()
	run := run{service: s, target: t, request: request}
	response, err := run.do(ctx)
	run.took.total = time.Since(started)
	s.statistics.count(key{t.name, t.handle.Info().Version}, run.took, err == nil)
	return response, err
}

// run is a request under way.
type run struct {
	service *Service
	target  *target
	request *inference.ModelInferRequest

	threshold *float32 // nil: each model's own
	images    *infer.Images
	took      durations
}

// do answers the request.
func (r *run) do(ctx context.Context) (*inference.ModelInferResponse, error) {
	timeout, err := r.readParameters()
	if err != nil {
		return nil, err
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	wanted, err := requested(r.request.GetOutputs(), r.target.outputs())
	if err != nil {
		return nil, err
	}
	inputs, err := readInputs(r.request, names(r.target.inputs()), r.service.limit(r.target))
	if err != nil {
		return nil, err
	}
	columns, err := r.answer(ctx, inputs)
	if err != nil {
		return nil, err
	}
	started := time.Now()
	response := r.respond(wanted, columns)
	r.took.output, r.took.items = time.Since(started), len(inputs[0])
	return response, nil
}

// readParameters notes the request's threshold and returns how long it may last; 0: as
// long as any.
func (r *run) readParameters() (timeout time.Duration, err error) {
	given := parameters(r.request.GetParameters())
	if err := checkParameters(given, ""); err != nil {
		return 0, err
	}
	if r.threshold, err = given.threshold(); err != nil {
		return 0, err
	}
	return given.timeout()
}

// limit is how many items one request to a model may have.
func (s *Service) limit(t *target) int {
	if t.encodes {
		return s.cfg.MaxImages
	}
	return s.cfg.MaxPairs
}

// answer brings the pictures to the engine and returns what each output holds.
func (r *run) answer(ctx context.Context, inputs [][]picture) (columns, error) {
	r.images = r.target.handle.NewImages(infer.ImagesConfig{Caller: admission.Caller(ctx)})
	defer r.images.Release()
	operands := make([][]*infer.Image, len(inputs))
	for i, pictures := range inputs {
		for _, picture := range pictures {
			operands[i] = append(operands[i], r.images.Add(picture.source))
		}
	}
	if err := r.images.Prepare(ctx); err != nil {
		return nil, err
	}
	if err := firstFault(inputs, operands); err != nil {
		return nil, err
	}
	var needed []*infer.Image
	for _, images := range operands {
		needed = append(needed, images...)
	}
	err := r.images.Encode(ctx, needed)
	times := r.images.Times()
	r.took.input, r.took.queue, r.took.infer = times.Decode, times.Queue, times.Encode
	if err != nil {
		return nil, err
	}
	if r.target.encodes {
		return embeddings(operands[0]), nil
	}
	return r.compare(ctx, operands[0], operands[1])
}

// firstFault returns what is wrong with the first item that can't be used, in the order
// of the items.
func firstFault(inputs [][]picture, operands [][]*infer.Image) error {
	for item := range operands[0] {
		for i := range operands {
			if f := operands[i][item].Fault(); f != nil {
				return f.At(inputs[i][item].field)
			}
		}
	}
	return nil
}

// compare scores the pairs.
func (r *run) compare(ctx context.Context, a, b []*infer.Image) (columns, error) {
	pairs := make([]infer.Pair, len(a))
	for i := range a {
		pairs[i] = infer.Pair{A: a[i], B: b[i]}
	}
	started := time.Now()
	scores, err := r.target.handle.Compare(ctx, pairs)
	r.took.infer += time.Since(started)
	if err != nil {
		return nil, err
	}
	c := columns{}
	for i := range scores {
		score := &scores[i]
		threshold := score.Info().Threshold
		if r.threshold != nil {
			threshold = *r.threshold
		}
		familiarityA, _ := score.A.Familiarity()
		familiarityB, _ := score.B.Familiarity()
		c.addFloats(outputSimilarity, score.Similarity)
		c.addBool(outputSame, score.Similarity >= threshold)
		c.addFloats(outputA, familiarityA)
		c.addFloats(outputB, familiarityB)
	}
	return c, nil
}

func embeddings(images []*infer.Image) columns {
	c := columns{}
	for _, image := range images {
		familiarity, _ := image.Best().Familiarity()
		c.addFloats(outputEmbedding, image.Best().Embedding()...)
		c.addFloats(outputFamiliarity, familiarity)
	}
	return c
}

// respond puts the outputs that are wanted into an answer.
func (r *run) respond(wanted []tensor, columns columns) *inference.ModelInferResponse {
	response := &inference.ModelInferResponse{
		ModelName:    cmp.Or(r.request.GetModelName(), r.target.name),
		ModelVersion: r.target.handle.Info().Version,
		Id:           r.request.GetId(),
	}
	items := r.request.GetInputs()[0].GetShape()[0]
	for _, output := range wanted {
		response.Outputs = append(response.Outputs, &inference.ModelInferResponse_InferOutputTensor{
			Name: output.name, Datatype: output.datatype, Shape: append([]int64{items}, output.dims...),
		})
		response.RawOutputContents = append(response.RawOutputContents, columns[output.name])
	}
	return response
}

// requested returns the outputs that are asked for, all where none is. Errors:
// *[fault.Fault].
func requested(asked []*inference.ModelInferRequest_InferRequestedOutputTensor, all []tensor) ([]tensor, error) {
	if len(asked) == 0 {
		return all, nil
	}
	var wanted []tensor
	for i, output := range asked {
		field := outputField(i)
		which := indexOf(all, output.GetName())
		switch {
		case which < 0:
			return nil, fault.TensorName("received output %s, expected %s", fault.Quote(output.GetName()), list(names(all))).At(field + ".name")
		case indexOf(wanted, output.GetName()) >= 0:
			return nil, fault.TensorName("received output %q twice, expected it once", output.GetName()).At(field + ".name")
		}
		if err := checkParameters(output.GetParameters(), field); err != nil {
			return nil, err
		}
		wanted = append(wanted, all[which])
	}
	return wanted, nil
}
