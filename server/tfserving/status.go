package tfserving

import (
	"cmp"
	"context"
	"slices"

	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"

	"siamese/server/internal/fault"
	"siamese/server/tfserving/tensorflow_serving/apis"
	"siamese/server/versions"
)

// GetModelStatus implements apis.ModelServiceServer: it tells the states of a model's
// versions, the highest first. One whose name is no number, as that of a model that is
// no folder of versions may be, is version 0.
func (s *Service) GetModelStatus(_ context.Context, req *apis.GetModelStatusRequest) (*apis.GetModelStatusResponse, error) {
	name, err := s.modelName(req.GetModelSpec())
	if err != nil {
		return nil, err
	}
	known, ok := s.cfg.Versions(name)
	if !ok { // infer.Auto, which is several
		return nil, fault.ModelNotFound(name, s.modelNames())
	}
	var all []*apis.ModelVersionStatus
	for _, version := range known {
		if isNamed(version, req.GetModelSpec()) {
			all = append(all, describeVersion(version))
		}
	}
	if len(all) == 0 && req.GetModelSpec().GetVersionChoice() != nil {
		return nil, fault.ModelNotFound(name+"/"+s.version(name, req.GetModelSpec()), s.modelNames())
	}
	slices.SortStableFunc(all, func(a, b *apis.ModelVersionStatus) int { return cmp.Compare(b.GetVersion(), a.GetVersion()) })
	return &apis.GetModelStatusResponse{ModelVersionStatus: all}, nil
}

// isNamed reports whether a call asks for a version; one that names none asks for all.
func isNamed(version versions.Version, spec *apis.ModelSpec) bool {
	switch choice := spec.GetVersionChoice().(type) {
	case *apis.ModelSpec_Version:
		return numberOf(version.Name) == choice.Version.GetValue()
	case *apis.ModelSpec_VersionLabel:
		return slices.Contains(version.Labels, choice.VersionLabel)
	}
	return true
}

// What is told of a version that could not be loaded. Why is for those who look after
// the server: it may name its files.
const (
	refusedVersion = "the version does not hold: the server's log and siamese.admin.v1.AdminService say why"
	lackingVersion = "the version could not be read and will be tried again: the server's log and siamese.admin.v1.AdminService say why"
)

func describeVersion(version versions.Version) *apis.ModelVersionStatus {
	status := &apis.StatusProto{}
	switch {
	case version.State == versions.Failed && version.NextTry.IsZero():
		status.ErrorCode, status.ErrorMessage = corepb.Code_FAILED_PRECONDITION, refusedVersion
	case version.State == versions.Failed:
		status.ErrorCode, status.ErrorMessage = corepb.Code_UNAVAILABLE, lackingVersion
	}
	return &apis.ModelVersionStatus{Version: numberOf(version.Name), State: stateOf(version.State), Status: status}
}

// stateOf is TensorFlow Serving's word for a state.
func stateOf(state versions.State) apis.ModelVersionStatus_State {
	switch state {
	case versions.OnDisk:
		return apis.ModelVersionStatus_START
	case versions.Loading:
		return apis.ModelVersionStatus_LOADING
	case versions.Serving:
		return apis.ModelVersionStatus_AVAILABLE
	case versions.Unloading:
		return apis.ModelVersionStatus_UNLOADING
	case versions.Failed:
		return apis.ModelVersionStatus_END
	default:
		return apis.ModelVersionStatus_UNKNOWN
	}
}
