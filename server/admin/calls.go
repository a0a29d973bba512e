package admin

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	adminpb "siamese/proto/siamese/admin/v1"
	"siamese/server/metrics"
	"siamese/server/versions"
)

// handlers answers the RPCs of the admin service.
type handlers struct {
	adminpb.UnimplementedAdminServiceServer
	manager *versions.Manager
}

// ListVersions tells every version.
func (h *handlers) ListVersions(context.Context, *adminpb.ListVersionsRequest) (*adminpb.ListVersionsResponse, error) {
	return &adminpb.ListVersionsResponse{Versions: h.versions()}, nil
}

// GetStatus tells how versions are chosen.
func (h *handlers) GetStatus(context.Context, *adminpb.GetStatusRequest) (*adminpb.GetStatusResponse, error) {
	s := h.manager.Status()
	response := &adminpb.GetStatusResponse{
		DefaultVersion:  s.Default,
		DefaultChoice:   s.Choice,
		Labels:          s.Labels,
		Path:            s.Source,
		LastScan:        timestamppb.New(s.LastScan),
		LoadedModels:    uint32(s.Loaded),
		MaxLoadedModels: uint32(s.MaxLoaded),
		Loads:           s.Loads,
		FailedLoads:     s.FailedLoads,
		ResidentBytes:   metrics.ResidentBytes(),
	}
	if s.LastError != nil {
		response.LastError = s.LastError.Error()
	}
	return response, nil
}

// Reload looks for versions now.
func (h *handlers) Reload(ctx context.Context, _ *adminpb.ReloadRequest) (*adminpb.ReloadResponse, error) {
	if err := h.manager.Reload(ctx); err != nil {
		return nil, err
	}
	return &adminpb.ReloadResponse{Versions: h.versions()}, nil
}

// LoadVersion loads a version and keeps it.
func (h *handlers) LoadVersion(ctx context.Context, req *adminpb.LoadVersionRequest) (*adminpb.LoadVersionResponse, error) {
	version, err := named(ctx, req.GetVersion(), h.manager.Load)
	return &adminpb.LoadVersionResponse{Version: version}, err
}

// UnloadVersion lets go of a version.
func (h *handlers) UnloadVersion(ctx context.Context, req *adminpb.UnloadVersionRequest) (*adminpb.UnloadVersionResponse, error) {
	version, err := named(ctx, req.GetVersion(), h.manager.Unload)
	return &adminpb.UnloadVersionResponse{Version: version}, err
}

// SetDefault chooses the default.
func (h *handlers) SetDefault(ctx context.Context, req *adminpb.SetDefaultRequest) (*adminpb.SetDefaultResponse, error) {
	version, err := named(ctx, req.GetVersion(), h.manager.SetDefault)
	return &adminpb.SetDefaultResponse{Version: version}, err
}

// SetLabel points a label at a version.
func (h *handlers) SetLabel(ctx context.Context, req *adminpb.SetLabelRequest) (*adminpb.SetLabelResponse, error) {
	version, err := h.manager.SetLabel(ctx, req.GetLabel(), req.GetVersion())
	if err != nil || req.GetVersion() == "" {
		return &adminpb.SetLabelResponse{}, err
	}
	return &adminpb.SetLabelResponse{Version: describeVersion(version)}, nil
}

// named does something to a version that must have been named.
func named(ctx context.Context, name string, do func(context.Context, string) (versions.Version, error)) (*adminpb.Version, error) {
	if name == "" {
		return nil, errVersionUnset
	}
	version, err := do(ctx, name)
	if err != nil {
		return nil, err
	}
	return describeVersion(version), nil
}

func (h *handlers) versions() []*adminpb.Version {
	var all []*adminpb.Version
	for _, version := range h.manager.Versions() {
		all = append(all, describeVersion(version))
	}
	return all
}

func describeVersion(v versions.Version) *adminpb.Version {
	described := &adminpb.Version{
		Version:    v.Name,
		State:      describeState(v.State),
		Digest:     v.Digest,
		IsDefault:  v.Default,
		Labels:     v.Labels,
		StateSince: timestamppb.New(v.Since),
	}
	if v.Reason != nil {
		described.Reason = v.Reason.Error()
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
