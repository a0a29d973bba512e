package tfserving

import (
	"context"
	"slices"

	typepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/types/known/anypb"

	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
	"siamese/server/tfserving/tensorflow_serving/apis"
)

// signatureField is all the metadata that there is.
const signatureField = "signature_def"

// predictMethod is what Predict runs.
const predictMethod = "tensorflow/serving/predict"

// GetModelMetadata implements apis.PredictionServiceServer: it tells the signatures by
// which a model answers.
func (s *Service) GetModelMetadata(_ context.Context, req *apis.GetModelMetadataRequest) (*apis.GetModelMetadataResponse, error) {
	if len(req.GetMetadataField()) == 0 {
		return nil, fault.TensorName("received none, expected %q", signatureField).At("metadata_field")
	}
	for _, field := range req.GetMetadataField() {
		if field != signatureField {
			return nil, fault.TensorName("received %s, expected %q", fault.Quote(field), signatureField).At("metadata_field")
		}
	}
	model, name, err := s.acquire(req.GetModelSpec())
	if err != nil {
		return nil, err
	}
	defer model.Release()
	packed, err := anypb.New(describe(model.Info(), name == infer.Auto))
	if err != nil {
		return nil, err
	}
	spec := specOf(model.Info(), "")
	if name == infer.Auto {
		spec = &apis.ModelSpec{Name: name}
	}
	return &apis.GetModelMetadataResponse{ModelSpec: spec, Metadata: map[string]*anypb.Any{signatureField: packed}}, nil
}

// describe returns the signatures of a model.
func describe(model infer.ModelInfo, isAuto bool) *apis.SignatureDefMap {
	all := &apis.SignatureDefMap{SignatureDef: make(map[string]*corepb.SignatureDef)}
	for _, s := range signaturesOf(model, isAuto) {
		all.SignatureDef[s.name] = s.describe(model, isAuto)
	}
	return all
}

// describe returns the signature as the SavedModel has it, where it has it. Pixels are
// taken in any size, and told in the network's, in which nothing is resampled.
func (s signature) describe(model infer.ModelInfo, isAuto bool) *corepb.SignatureDef {
	i := slices.IndexFunc(model.Signatures, func(saved infer.Signature) bool { return saved.Name == s.name })
	if i >= 0 && !isAuto {
		return signatureDef(model.Signatures[i])
	}
	own := infer.Signature{Name: s.name}
	for _, input := range s.inputs {
		own.Inputs = append(own.Inputs, s.input(input, model, isAuto))
	}
	own.Outputs = []infer.Tensor{{Name: s.output, Type: int32(typepb.DataType_DT_FLOAT), Shape: []int64{-1}}}
	if !s.isPair() {
		own.Outputs[0].Shape = []int64{-1, int64(model.EmbeddingLength)}
	}
	return signatureDef(own)
}

// input describes an input that no SavedModel does.
func (s signature) input(name string, model infer.ModelInfo, isAuto bool) infer.Tensor {
	height, width := int64(model.Height), int64(model.Width)
	if isAuto { // whose models may differ
		height, width = -1, -1
	}
	switch s.form {
	case files:
		return infer.Tensor{Name: name, Type: int32(typepb.DataType_DT_STRING), Shape: []int64{-1}}
	case embeddings:
		return infer.Tensor{Name: name, Type: int32(typepb.DataType_DT_FLOAT), Shape: []int64{-1, int64(model.EmbeddingLength)}}
	default:
		return infer.Tensor{Name: name, Type: int32(typepb.DataType_DT_UINT8), Shape: []int64{-1, height, width, 3}}
	}
}

func signatureDef(s infer.Signature) *corepb.SignatureDef {
	return &corepb.SignatureDef{Inputs: tensorInfos(s.Inputs), Outputs: tensorInfos(s.Outputs), MethodName: predictMethod}
}

// tensorInfos describes tensors; one that is in no graph is named as in calls.
func tensorInfos(tensors []infer.Tensor) map[string]*corepb.TensorInfo {
	infos := make(map[string]*corepb.TensorInfo)
	for _, t := range tensors {
		graph := t.Graph
		if graph == "" {
			graph = t.Name + ":0"
		}
		infos[t.Name] = &corepb.TensorInfo{
			Encoding: &corepb.TensorInfo_Name{Name: graph}, Dtype: typepb.DataType(t.Type), TensorShape: shapeProto(t.Shape),
		}
	}
	return infos
}
