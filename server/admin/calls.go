package admin

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	adminpb "siamese/proto/siamese/admin/v1"
	"siamese/server/internal/fault"
	"siamese/server/metrics"
	"siamese/server/versions"
)

// handlers answers the RPCs of the admin service.
type handlers struct {
	adminpb.UnimplementedAdminServiceServer
	models []Model // not empty
	base   string  // the name of the model that requests are about which name none
}

// find returns the model that a request names.
func (h *handlers) find(name string) (Model, error) {
	if name == "" {
		name = h.base
	}
	var names []string
	for _, model := range h.models {
		if model.Name == name {
			return model, nil
		}
		names = append(names, model.Name)
	}
	return Model{}, fmt.Errorf("%w: received %s, expected one of %s", errModelNotFound, fault.Quote(name), strings.Join(names, ", "))
}

// ListModels tells every model with its versions.
func (h *handlers) ListModels(context.Context, *adminpb.ListModelsRequest) (*adminpb.ListModelsResponse, error) {
	response := new(adminpb.ListModelsResponse)
	for _, model := range h.models {
		status := model.Versions.Status()
		response.Models = append(response.Models, &adminpb.Model{
			Name:           model.Name,
			IsDefault:      model.Name == h.base,
			DefaultVersion: status.Default,
			LastError:      text(status.LastError),
			Versions:       model.describe(),
		})
	}
	return response, nil
}

// ListVersions tells every version of a model.
func (h *handlers) ListVersions(_ context.Context, req *adminpb.ListVersionsRequest) (*adminpb.ListVersionsResponse, error) {
	model, err := h.find(req.GetModel())
	if err != nil {
		return nil, err
	}
	return &adminpb.ListVersionsResponse{Model: model.Name, Versions: model.describe()}, nil
}

// GetStatus tells how versions of a model are chosen.
func (h *handlers) GetStatus(_ context.Context, req *adminpb.GetStatusRequest) (*adminpb.GetStatusResponse, error) {
	model, err := h.find(req.GetModel())
	if err != nil {
		return nil, err
	}
	s := model.Versions.Status()
	return &adminpb.GetStatusResponse{
		Model:           model.Name,
		DefaultVersion:  s.Default,
		DefaultChoice:   s.Choice,
		Labels:          s.Labels,
		Path:            s.Source,
		LastScan:        timestamppb.New(s.LastScan),
		LastError:       text(s.LastError),
		LoadedModels:    uint32(s.Loaded),
		MaxLoadedModels: uint32(s.MaxLoaded),
		Loads:           s.Loads,
		FailedLoads:     s.FailedLoads,
		ResidentBytes:   metrics.ResidentBytes(),
	}, nil
}

// text is an error's message, empty for none.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Reload looks for versions of a model now.
func (h *handlers) Reload(ctx context.Context, req *adminpb.ReloadRequest) (*adminpb.ReloadResponse, error) {
	model, err := h.find(req.GetModel())
	if err != nil {
		return nil, err
	}
	if err := model.Versions.Reload(ctx); err != nil {
		return nil, err
	}
	return &adminpb.ReloadResponse{Model: model.Name, Versions: model.describe()}, nil
}

// LoadVersion loads a version and keeps it.
func (h *handlers) LoadVersion(ctx context.Context, req *adminpb.LoadVersionRequest) (*adminpb.LoadVersionResponse, error) {
	version, err := h.change(ctx, req, (*versions.Manager).Load)
	return &adminpb.LoadVersionResponse{Version: version}, err
}

// UnloadVersion lets go of a version.
func (h *handlers) UnloadVersion(ctx context.Context, req *adminpb.UnloadVersionRequest) (*adminpb.UnloadVersionResponse, error) {
	version, err := h.change(ctx, req, (*versions.Manager).Unload)
	return &adminpb.UnloadVersionResponse{Version: version}, err
}

// SetDefault chooses a model's default.
func (h *handlers) SetDefault(ctx context.Context, req *adminpb.SetDefaultRequest) (*adminpb.SetDefaultResponse, error) {
	version, err := h.change(ctx, req, (*versions.Manager).SetDefault)
	return &adminpb.SetDefaultResponse{Version: version}, err
}

// SetLabel points a label at a version.
func (h *handlers) SetLabel(ctx context.Context, req *adminpb.SetLabelRequest) (*adminpb.SetLabelResponse, error) {
	model, err := h.find(req.GetModel())
	if err != nil {
		return nil, err
	}
	version, err := model.Versions.SetLabel(ctx, req.GetLabel(), req.GetVersion())
	if err != nil || req.GetVersion() == "" {
		return &adminpb.SetLabelResponse{}, err
	}
	return &adminpb.SetLabelResponse{Version: model.describeVersion(version)}, nil
}

// change does something to a version that must have been named.
func (h *handlers) change(
	ctx context.Context, req interface {
		GetModel() string
		GetVersion() string
	},
	do func(*versions.Manager, context.Context, string) (versions.Version, error),
) (*adminpb.Version, error) {
	model, err := h.find(req.GetModel())
	if err != nil {
		return nil, err
	}
	if req.GetVersion() == "" {
		return nil, errVersionUnset
	}
	version, err := do(model.Versions, ctx, req.GetVersion())
	if err != nil {
		return nil, err
	}
	return model.describeVersion(version), nil
}

// describe tells all versions of the model.
func (m Model) describe() []*adminpb.Version {
	var all []*adminpb.Version
	for _, version := range m.Versions.Versions() {
		all = append(all, m.describeVersion(version))
	}
	return all
}

func (m Model) describeVersion(v versions.Version) *adminpb.Version {
	described := &adminpb.Version{
		Model:      m.Name,
		Version:    v.Name,
		State:      describeState(v.State),
		Reason:     text(v.Reason),
		Digest:     v.Digest,
		IsDefault:  v.Default,
		Labels:     v.Labels,
		StateSince: timestamppb.New(v.Since),
	}
	if !v.NextTry.IsZero() {
		described.NextTry = timestamppb.New(v.NextTry)
	}
	return described
}

func describeState(state versions.State) adminpb.VersionState {
	switch state {
	case versions.OnDisk:
		return adminpb.VersionState_VERSION_STATE_ON_DISK
	case versions.Loading:
		return adminpb.VersionState_VERSION_STATE_LOADING
	case versions.Serving:
		return adminpb.VersionState_VERSION_STATE_SERVING
	case versions.Unloading:
		return adminpb.VersionState_VERSION_STATE_UNLOADING
	case versions.Failed:
		return adminpb.VersionState_VERSION_STATE_FAILED
	default:
		return adminpb.VersionState_VERSION_STATE_UNSPECIFIED
	}
}
