package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	adminpb "siamese/proto/siamese/admin/v1"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/admin"
	"siamese/server/internal/fault"
	"siamese/server/versions"
)

// generalAndOmniglot is a server of general, the default, and omniglot.
func generalAndOmniglot() server.Config {
	return server.Config{Models: []string{"general", "omniglot"}}
}

// infoAs describes the fake network as a version of the model with a name.
func infoAs(name, version string) server.ModelInfo {
	info := infoOf(version)
	info.ServingName, info.Digest = name, name+"-"+version
	return info
}

// addAs adds a version of a model and routes the model's calls to it.
func addAs(t *testing.T, r *running, model server.Model, name, version string, labels map[string]string) {
	t.Helper()
	if err := r.server.AddModel(model, infoAs(name, version)); err != nil {
		t.Fatal(err)
	}
	if err := r.server.Router(name).Route(version, labels); err != nil {
		t.Fatal(err)
	}
}

// TestCallsNameModelVersionOrLabel: all of which a call can name, and that what a
// name means alone depends on what is loaded of that model alone.
func TestCallsNameModelVersionOrLabel(t *testing.T) {
	r := serveBare(t, generalAndOmniglot())
	addAs(t, r, &fakeModel{}, "general", "2", nil)
	addAs(t, r, &fakeModel{}, "general", "1", map[string]string{"canary": "2", "omniglot": "2"})
	addAs(t, r, &fakeModel{}, "omniglot", "2", map[string]string{"canary": "2"})
	addAs(t, r, &fakeModel{}, "omniglot", "7", map[string]string{"canary": "2"})
	tests := map[string]string{
		"":                 "general-1",
		"general":          "general-1",
		"general/2":        "general-2",
		"general/canary":   "general-2",
		"general/omniglot": "general-2",
		"omniglot":         "omniglot-7", // not the label of general's
		"omniglot/2":       "omniglot-2",
		"omniglot/7":       "omniglot-7",
		"omniglot/canary":  "omniglot-2",
		"1":                "general-1",
		"2":                "general-2",
		"canary":           "general-2",
	}
	for give, want := range tests {
		got, err := r.GetServerInfo(t.Context(), &pb.GetServerInfoRequest{Model: give})
		if digest := got.GetModel().GetReference().GetDigest(); err != nil || digest != want {
			t.Errorf("model %q is %q, %v; want %q", give, digest, err, want)
		}
	}
	for _, give := range []string{
		"7", "omni", "omniglot/1", "omniglot/omniglot", "omniglot/", "/", "/1", "general/2/1", "general/latest", "latest",
		"auto", "auto/1", "General", " general", "general ", strings.Repeat("x", 1<<16),
	} {
		_, err := r.GetServerInfo(t.Context(), &pb.GetServerInfoRequest{Model: give})
		if diff := cmp.Diff(failure{codes.NotFound, fault.ReasonModelNotFound, ""}, failureOf(err)); diff != "" {
			t.Errorf("model %.80q: %v (-want +got):\n%s", give, err, diff)
		}
		expected := "expected one of general, omniglot, MODEL/VERSION or MODEL/LABEL"
		switch of, _, qualified := strings.Cut(give, "/"); {
		case qualified && of == "general":
			expected = "expected one of general/1, general/2, or a label"
		case qualified && of == "omniglot":
			expected = "expected one of omniglot/2, omniglot/7, or a label"
		}
		for _, want := range []string{fault.Quote(give), expected} {
			if message := status.Convert(err).Message(); !strings.Contains(message, want) || len(message) > 400 {
				t.Errorf("model %.80q: message %q, want it to have %q and no more than 400 bytes", give, message, want)
			}
		}
	}
}

// TestModelThatIsNotLoadedYet: the others answer, and a call that names it may be tried again.
func TestModelThatIsNotLoadedYet(t *testing.T) {
	r := serveBare(t, generalAndOmniglot())
	check := func(name string, want failure, message string) {
		t.Helper()
		_, err := r.GetServerInfo(t.Context(), &pb.GetServerInfoRequest{Model: name})
		if diff := cmp.Diff(want, failureOf(err)); diff != "" || !strings.Contains(fmt.Sprint(err), message) {
			t.Errorf("model %q: %v, want %q (-want +got):\n%s", name, err, message, diff)
		}
	}
	notReady := failure{codes.Unavailable, fault.ReasonNotReady, ""}
	for _, name := range []string{"", "general", "omniglot", "omniglot/1", "1"} {
		check(name, notReady, "the server has no model yet")
	}
	addAs(t, r, &fakeModel{}, "omniglot", "1", nil)
	check("omniglot", failure{}, "")
	check("omniglot/1", failure{}, "")
	for _, name := range []string{"", "general", "general/1", "1"} {
		check(name, notReady, `model "general" has no version that answers`)
	}
	check("omniglot/2", failure{codes.NotFound, fault.ReasonModelNotFound, ""}, "expected one of omniglot/1, or a label")
	addAs(t, r, &fakeModel{}, "general", "1", nil)
	for _, name := range []string{"", "general", "general/1", "1"} {
		check(name, failure{}, "")
	}
}

// TestGetServerInfoListsModels in the order of the configuration, those that are
// loaded, each by its default version.
func TestGetServerInfoListsModels(t *testing.T) {
	cfg := generalAndOmniglot()
	cfg.DefaultModel = "omniglot"
	r := serveBare(t, cfg)
	list := func() (models []string, info *pb.GetServerInfoResponse) {
		info, err := r.GetServerInfo(t.Context(), &pb.GetServerInfoRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for _, model := range info.GetModels() {
			models = append(models, model.GetServingName()+"/"+model.GetReference().GetVersion())
		}
		return models, info
	}
	about := infoAs("omniglot", "1")
	about.Title, about.Knows, about.Familiarity = "Handwriting", "Drawn characters.", darkFamiliarity()
	if err := r.server.AddModel(&fakeModel{}, about); err != nil {
		t.Fatal(err)
	}
	if err := r.server.Router("omniglot").Route("1", nil); err != nil {
		t.Fatal(err)
	}
	got, info := list()
	if diff := cmp.Diff([]string{"omniglot/1"}, got); diff != "" || info.GetDefaultModel() != "omniglot" || info.GetAutoModels() != nil {
		t.Errorf("default %q, auto %q (-want +got):\n%s", info.GetDefaultModel(), info.GetAutoModels(), diff)
	}
	checkProto(t, &pb.ModelInfo{
		Reference:   &pb.ModelReference{Name: "fake", Version: "1", Digest: "omniglot-1"},
		InputHeight: inputSide, InputWidth: inputSide, EmbeddingLength: embeddingLength, Threshold: threshold,
		ResizeRule: "shorter side, centre crop", Device: "cpu", Precision: "float32",
		ServingName: "omniglot", Title: "Handwriting", Knows: "Drawn characters.", FamiliarityBound: 0.25,
	}, info.GetModel())
	addAs(t, r, &fakeModel{}, "general", "1", nil)
	addAs(t, r, &fakeModel{}, "general", "2", nil)
	addAs(t, r, &fakeModel{}, "unplanned", "5", nil)
	if got, _ := list(); !slices.Equal(got, []string{"general/2", "omniglot/1", "unplanned/5"}) {
		t.Errorf("models %q, want each by its default version, in order", got)
	}
}

// TestAutoModelsAreThoseThatTell: GetServerInfo tells what auto is now.
func TestAutoModelsAreThoseThatTell(t *testing.T) {
	cfg := generalAndOmniglot()
	cfg.AutoModels, cfg.DefaultModel = cfg.Models, server.Auto
	r := serveBare(t, cfg)
	check := func(wantDefault string, wantAuto ...string) {
		t.Helper()
		info, err := r.GetServerInfo(t.Context(), &pb.GetServerInfoRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if info.GetDefaultModel() != wantDefault || !slices.Equal(info.GetAutoModels(), wantAuto) {
			t.Errorf("default %q, auto %q; want %q, %q", info.GetDefaultModel(), info.GetAutoModels(), wantDefault, wantAuto)
		}
	}
	addAs(t, r, &fakeModel{}, "omniglot", "1", nil)
	check("general") // what is loaded does not tell, and answers all the same
	telling := infoAs("general", "1")
	telling.Familiarity = darkFamiliarity()
	if err := r.server.AddModel(&fakeModel{}, telling); err != nil {
		t.Fatal(err)
	}
	if err := r.server.Router("general").Route("1", nil); err != nil {
		t.Fatal(err)
	}
	check("auto", "general")
}

// TestHealthIsByModel: that of the service is the default model's, of auto that of the
// one which is tried first.
func TestHealthIsByModel(t *testing.T) {
	const no, yes = healthpb.HealthCheckResponse_NOT_SERVING, healthpb.HealthCheckResponse_SERVING
	for _, answer := range []string{"", "general", server.Auto} {
		t.Run("default "+answer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := generalAndOmniglot()
				cfg.AutoModels, cfg.DefaultModel = cfg.Models, answer
				cfg.WatchdogPeriod, cfg.WatchdogTimeout = watched.WatchdogPeriod, watched.WatchdogTimeout
				r := serveBare(t, cfg)
				check := func(moment string, general, omniglot healthpb.HealthCheckResponse_ServingStatus) {
					t.Helper()
					want := map[string]healthpb.HealthCheckResponse_ServingStatus{
						"": general, serviceName: general, server.HealthName("general"): general, server.HealthName("omniglot"): omniglot,
					}
					for service, status := range want {
						if got := r.health(t, service); got != status {
							t.Errorf("%s health of %q = %v, want %v", moment, service, got, status)
						}
					}
				}
				check("at first", no, no)
				var broken atomic.Bool
				addAs(t, r, &fakeModel{encode: func(context.Context, int) error {
					if broken.Load() {
						return errModel
					}
					return nil
				}}, "omniglot", "1", nil)
				check("with one model", no, yes)
				addAs(t, r, &fakeModel{}, "general", "1", nil)
				check("with both", yes, yes)
				broken.Store(true)
				time.Sleep(2*time.Minute + 11*time.Second)
				check("with one that fails", yes, no)
				broken.Store(false)
				time.Sleep(time.Minute + 11*time.Second)
				check("with one that is well again", yes, yes)
			})
		})
	}
}

// TestWatchdogIsNotHeldUpByAModelThatHangs: the other one is looked at all the same.
func TestWatchdogIsNotHeldUpByAModelThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := generalAndOmniglot()
		cfg.WatchdogPeriod, cfg.WatchdogTimeout = watched.WatchdogPeriod, watched.WatchdogTimeout
		r := serveBare(t, cfg)
		blocked := make(gate)
		defer blocked.open()
		addAs(t, r, &fakeModel{encode: blocked.encode}, "general", "1", nil)
		addAs(t, r, &fakeModel{encode: func(context.Context, int) error { return errModel }}, "omniglot", "1", nil)
		time.Sleep(time.Minute + time.Second) // the first has 9 s left
		if got := r.health(t, server.HealthName("omniglot")); got != healthpb.HealthCheckResponse_NOT_SERVING {
			t.Errorf("health of the model that fails = %v, want NOT_SERVING", got)
		}
		if got := r.health(t, server.HealthName("general")); got != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("health of the model that has time left = %v, want SERVING", got)
		}
	})
}

// TestMetricsAreByModel: each counts for itself, and a version that goes leaves its
// counts to its model.
func TestMetricsAreByModel(t *testing.T) {
	cfg, registry := generalAndOmniglot(), prometheus.NewRegistry()
	cfg.Metrics, cfg.CacheBytes, cfg.MaxQueuedImages = registry, 1<<20, 600
	r := serveBare(t, cfg)
	addAs(t, r, &fakeModel{}, "general", "1", nil)
	addAs(t, r, &fakeModel{}, "omniglot", "1", nil)
	embed := func(model string, levels ...byte) {
		t.Helper()
		var images []*pb.Image
		for _, level := range levels {
			images = append(images, grayImage(level))
		}
		if _, err := r.Embed(t.Context(), &pb.EmbedRequest{Images: images, Model: model}); err != nil {
			t.Fatal(err)
		}
	}
	embed("", 1, 2, 3)
	embed("omniglot", 1)
	embed("omniglot/1", 1) // its own cache has it
	addAs(t, r, &fakeModel{}, "omniglot", "2", nil)
	wait, err := r.server.RemoveModel("omniglot", "1")
	if err != nil {
		t.Fatal(err)
	}
	wait()
	embed("omniglot", 1, 9)
	got := gather(t, registry)
	checkScrape(t, scrape{
		"siamese_images_encoded_total{model=general}":  3,
		"siamese_images_encoded_total{model=omniglot}": 1 + 2,
	}, got.of("siamese_images"))
	checkScrape(t, scrape{"siamese_cache_hits_total{by=source,model=omniglot}": 1}, got.of("siamese_cache_hits"))
	checkScrape(t, scrape{
		"siamese_queue_capacity_images{model=general}": 600, "siamese_queue_capacity_images{model=omniglot}": 600,
	}, got.of("siamese_queue"))
	checkScrape(t, scrape{"siamese_model_serving{model=general}": 1, "siamese_model_serving{model=omniglot}": 1}, got.of("siamese_model_serving"))
	checkScrape(t, scrape{
		"siamese_model_info{default=true,digest=general-1,model=general,name=fake,precision=float32,version=1}":   1,
		"siamese_model_info{default=true,digest=omniglot-2,model=omniglot,name=fake,precision=float32,version=2}": 1,
	}, got.of("siamese_model_info"))
}

// TestModelNames: what can be the name of a model, and what is said of what can't.
func TestModelNames(t *testing.T) {
	for _, name := range []string{"general", "G", "a-b_c.d9", strings.Repeat("m", 63)} {
		if err := server.CheckModelName(name); err != nil {
			t.Errorf("CheckModelName(%q) = %v, want none", name, err)
		}
	}
	for _, name := range []string{
		"", "7", "7up", "-a", ".", "_a", "a/b", "a b", "a=b", "a,b", "é", "a\n", "auto", "latest", strings.Repeat("m", 64),
	} {
		err := server.CheckModelName(name)
		if err == nil || !strings.Contains(err.Error(), fault.Quote(name)) || !strings.Contains(err.Error(), "expected a letter, then") {
			t.Errorf("CheckModelName(%q) = %v, want an error with both", name, err)
		}
		_, err = server.New(server.Config{Models: []string{"general", name}})
		if err == nil {
			t.Errorf("New with a model %q = no error, want one", name)
		}
	}
}

// loaderOf hands a model of its own to a server for every version.
type loaderOf struct {
	server *server.Server
	name   string
}

func (l loaderOf) Load(_ context.Context, folder versions.Folder) (versions.Model, error) {
	if folder.Version == badVersion {
		return nil, errModel
	}
	if err := l.server.AddModel(&fakeModel{}, infoAs(l.name, folder.Version)); err != nil {
		return nil, err
	}
	return &loadedOf{loaderOf: l, version: folder.Version}, nil
}

type loadedOf struct {
	loaderOf
	version string
}

func (m *loadedOf) Digest() string { return infoAs(m.name, m.version).Digest }

func (m *loadedOf) LogValue() slog.Value { return slog.StringValue("fake") }

func (m *loadedOf) Unload() func() error {
	wait, err := m.server.RemoveModel(m.name, m.version)
	return func() error {
		if err == nil {
			wait()
		}
		return err
	}
}

// TestAdminIsByModel: operators change one model and leave the other alone.
func TestAdminIsByModel(t *testing.T) {
	r := serveBare(t, generalAndOmniglot())
	var all []admin.Model
	sources := make(map[string]*counting)
	for _, name := range []string{"general", "omniglot"} {
		sources[name] = &counting{}
		sources[name].highest.Store(2)
		manager, err := versions.New(versions.Config{Source: sources[name], Loader: loaderOf{r.server, name}, Router: r.server.Router(name)})
		if err != nil {
			t.Fatal(err)
		}
		if err := manager.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = r.stop()
			if err := manager.Close(); err != nil {
				t.Errorf("Close = %v, want none", err)
			}
		})
		all = append(all, admin.Model{Name: name, Versions: manager})
	}
	service := administerBy(t, admin.New(all, "general", admin.Config{}))
	ctx := t.Context()
	serving := func(general, omniglot string) {
		t.Helper()
		for name, want := range map[string]string{"": general, "general": general, "omniglot": omniglot} {
			info, err := r.GetServerInfo(ctx, &pb.GetServerInfoRequest{Model: name})
			if got := info.GetModel().GetReference().GetDigest(); err != nil || got != want {
				t.Errorf("model %q is %q, %v; want %q", name, got, err, want)
			}
		}
	}
	serving("general-2", "omniglot-2")

	back, err := service.SetDefault(ctx, &adminpb.SetDefaultRequest{Model: "omniglot", Version: "1"})
	if err != nil || back.GetVersion().GetModel() != "omniglot" || back.GetVersion().GetDigest() != "omniglot-1" {
		t.Errorf("SetDefault of omniglot = %v, %v; want its version 1", back, err)
	}
	serving("general-2", "omniglot-1")
	if _, err := service.SetDefault(ctx, &adminpb.SetDefaultRequest{Version: "1"}); err != nil {
		t.Error(err)
	}
	serving("general-1", "omniglot-1")
	labelled, err := service.SetLabel(ctx, &adminpb.SetLabelRequest{Model: "omniglot", Label: "canary", Version: "2"})
	if err != nil || labelled.GetVersion().GetModel() != "omniglot" {
		t.Errorf("SetLabel of omniglot = %v, %v; want its version 2", labelled, err)
	}
	if info, err := r.GetServerInfo(ctx, &pb.GetServerInfoRequest{Model: "omniglot/canary"}); err != nil || info.GetModel().GetReference().GetDigest() != "omniglot-2" {
		t.Errorf("omniglot/canary = %v, %v; want version 2", info.GetModel().GetReference(), err)
	}
	sources["omniglot"].highest.Store(50)
	reloaded, err := service.Reload(ctx, &adminpb.ReloadRequest{Model: "omniglot"})
	if err != nil || reloaded.GetModel() != "omniglot" || reloaded.GetVersions()[0].GetVersion() != "50" {
		t.Errorf("Reload of omniglot = %v, %v; want its versions", reloaded, err)
	}
	_, err = service.LoadVersion(ctx, &adminpb.LoadVersionRequest{Model: "omniglot", Version: badVersion})
	if status.Code(err) != codes.FailedPrecondition {
		t.Errorf("LoadVersion of what does not hold = %v, want FAILED_PRECONDITION", err)
	}

	listed, err := service.ListModels(ctx, &adminpb.ListModelsRequest{})
	if err != nil || len(listed.GetModels()) != 2 {
		t.Fatalf("ListModels = %v, %v; want two", listed, err)
	}
	for _, model := range listed.GetModels() {
		for _, version := range model.GetVersions() {
			if version.GetModel() != model.GetName() {
				t.Errorf("ListModels has version %v in %s", version, model.GetName())
			}
		}
	}
	checkProto(t, &adminpb.ListModelsResponse{Models: []*adminpb.Model{
		{Name: "general", IsDefault: true, DefaultVersion: "1"}, {Name: "omniglot", DefaultVersion: "1"},
	}}, listed, protocmp.IgnoreFields(&adminpb.Model{}, "versions", "last_error"))
	state, err := service.GetStatus(ctx, &adminpb.GetStatusRequest{Model: "omniglot"})
	if err != nil || state.GetModel() != "omniglot" || state.GetFailedLoads() != 1 || state.GetLabels()["canary"] != "2" {
		t.Errorf("GetStatus of omniglot = %v, %v; want its label and its failed load", state, err)
	}
	for call, ask := range map[string]func(model string) error{
		"ListVersions": func(m string) error {
			_, err := service.ListVersions(ctx, &adminpb.ListVersionsRequest{Model: m})
			return err
		},
		"GetStatus": func(m string) error {
			_, err := service.GetStatus(ctx, &adminpb.GetStatusRequest{Model: m})
			return err
		},
		"Reload": func(m string) error { _, err := service.Reload(ctx, &adminpb.ReloadRequest{Model: m}); return err },
		"LoadVersion": func(m string) error {
			_, err := service.LoadVersion(ctx, &adminpb.LoadVersionRequest{Model: m, Version: "1"})
			return err
		},
		"UnloadVersion": func(m string) error {
			_, err := service.UnloadVersion(ctx, &adminpb.UnloadVersionRequest{Model: m, Version: "1"})
			return err
		},
		"SetDefault": func(m string) error {
			_, err := service.SetDefault(ctx, &adminpb.SetDefaultRequest{Model: m, Version: "1"})
			return err
		},
		"SetLabel": func(m string) error {
			_, err := service.SetLabel(ctx, &adminpb.SetLabelRequest{Model: m, Label: "x", Version: "1"})
			return err
		},
	} {
		err := ask("nobody")
		want := failure{codes.NotFound, admin.ReasonModelNotFound, ""}
		if diff := cmp.Diff(want, failureOf(err)); diff != "" || !strings.Contains(err.Error(), `received "nobody", expected one of general, omniglot`) {
			t.Errorf("%s of an unknown model = %v (-want +got):\n%s", call, err, diff)
		}
	}
}
