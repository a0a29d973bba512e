package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/server"
	"siamese/server/admin"
	"siamese/server/versions"
	"siamese/tfmodel"
)

// models are the models that are served and what looks after them.
type models struct {
	all    []admin.Model // in the order in which they are loaded: the default one first
	logger *slog.Logger
	admin  *admin.Service
	port   net.Listener // nil without --admin-addr
	work   sync.WaitGroup

	// What the goroutines of start ended with; to be read after work is done.
	startErr, adminErr error
}

// openModels prepares the models and takes the admin service's port, which
// asks for what operators says. Nothing is loaded yet.
func (c *Command) openModels(ctx context.Context, service *server.Server, chosen *choice, operators guard, logger *slog.Logger) (*models, error) {
	m := &models{logger: logger}
	opener := &opener{command: c, service: service, logger: logger}
	for _, model := range chosen.models {
		manager, err := versions.New(versions.Config{
			Source:    modelSource(model.path),
			Loader:    &modelLoader{opener, model.name},
			Router:    service.Router(model.name),
			Default:   model.version,
			Labels:    model.labels,
			Period:    c.ReloadPeriod,
			MaxLoaded: c.MaxModels,
			Logger:    logger.With("serving_name", model.name),
		})
		if err != nil {
			return nil, cli.Usage(fmt.Errorf("model %s: %w", model.name, err))
		}
		m.all = append(m.all, admin.Model{Name: model.name, Versions: manager})
	}
	base := chosen.base().name
	if c.AdminAddr != "" {
		var err error
		if m.port, err = c.listenAdmin(ctx); err != nil {
			return nil, err
		}
		config := c.adminConfig(m.port.Addr(), operators, logger)
		m.admin = admin.New(m.all, base, config)
		service.SetRepository(admin.NewRepository(m.all, base, config))
	}
	service.TellVersions(versionsOf(slices.Clone(m.all)))
	first := slices.IndexFunc(m.all, func(model admin.Model) bool { return model.Name == base })
	m.all = slices.Concat(m.all[first:first+1], m.all[:first], m.all[first+1:])
	return m, nil
}

// versionsOf returns what tells the versions of the models.
func versionsOf(models []admin.Model) func(name string) ([]versions.Version, bool) {
	return func(name string) ([]versions.Version, bool) {
		for _, model := range models {
			if model.Name == name {
				return model.Versions.Versions(), true
			}
		}
		return nil, false
	}
}

// serve loads the models and serves them at listener until ctx is done, then closes
// them.
func (m *models) serve(ctx context.Context, service *server.Server, listener net.Listener) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	m.start(serving, stop)
	err := service.Serve(serving, listener)
	stop()
	closed := m.close()
	if closed != nil && ctx.Err() == nil {
		return closed // why Serve has ended
	}
	return errors.Join(err, closed)
}

// start loads what is chosen and keeps it so until ctx is done; failed is called
// when there is nothing to serve, or no admin service where one was asked for.
func (m *models) start(ctx context.Context, failed func()) {
	m.work.Go(func() {
		if m.startErr = m.load(ctx); m.startErr != nil {
			failed()
		}
	})
	if m.port == nil {
		return
	}
	m.work.Go(func() {
		if m.adminErr = m.admin.Serve(ctx, m.port); m.adminErr != nil {
			failed()
		}
	})
}

// loadPatience is how long a model's load holds up the next one: files on a disk that
// hangs are read for ever.
const loadPatience = time.Minute

// load loads the models one after the other, so that the first one does not wait for
// the others, and has each looked after until ctx is done. One that can't be had leaves
// the others serving; the error says why none can be had.
func (m *models) load(ctx context.Context) error {
	outcomes := make(chan error, len(m.all)) // room for all: nobody waits here
	for _, model := range m.all {
		started := make(chan struct{})
		m.work.Go(func() {
			outcomes <- m.startModel(ctx, model)
			close(started)
			model.Versions.Run(ctx)
		})
		select {
		case <-started:
		case <-time.After(loadPatience):
		}
	}
	var errs []error
	for range m.all {
		err := <-outcomes
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return joined(errs)
}

// startModel loads what is chosen of a model. Where there are others, why it can't be
// had is logged.
func (m *models) startModel(ctx context.Context, model admin.Model) error {
	err := model.Versions.Start(ctx)
	if err == nil || len(m.all) == 1 {
		return err
	}
	m.logger.Error("model not served", "serving_name", model.Name, "err", err)
	return fmt.Errorf("model %s: %w", model.Name, err)
}

// joined is errors.Join on one line, as standard error has it.
func joined(errs []error) error {
	all := errs[0]
	for _, err := range errs[1:] {
		all = fmt.Errorf("%w; %w", all, err)
	}
	return all
}

// close waits for what start began, whose ctx must be done, and closes all
// models. No call may be in flight.
func (m *models) close() error {
	m.work.Wait()
	errs := []error{m.startErr, m.adminErr}
	for _, model := range m.all {
		errs = append(errs, model.Versions.Close())
	}
	return errors.Join(errs...)
}

// modelSource tells a folder of versions from a model that is the only one. What
// is neither is for the loader to refuse.
func modelSource(path string) versions.Source {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return versions.Single("1", path)
	}
	numbered := versions.Numbered(path)
	_, err := os.Stat(filepath.Join(path, "saved_model.pb"))
	if folders, scanErr := numbered.Scan(); err == nil || scanErr != nil || len(folders) == 0 {
		return versions.Single(filepath.Base(filepath.Clean(path)), path)
	}
	return numbered
}

// opener is what the loaders of all models share.
type opener struct {
	command *Command
	service *server.Server
	logger  *slog.Logger
	noGPU   sync.Once // says so once, not at every version
}

// modelLoader loads versions of one model into TensorFlow and hands them to the server.
type modelLoader struct {
	*opener
	name string // by which calls ask for it
}

// Load loads a version. Its files' hashes and golden pairs hold when it returns.
func (l *modelLoader) Load(ctx context.Context, folder versions.Folder) (versions.Model, error) {
	model, err := l.command.OpenPath(ctx, folder.Path, l.logger)
	if err != nil {
		return nil, told(err)
	}
	if l.command.Device == tfmodel.DeviceAuto && model.Device() == tfmodel.DeviceCPU {
		l.noGPU.Do(func() { l.logger.Info("no GPU found: models run on the CPU") })
	}
	model.LogPrecision(l.logger)
	info := l.command.modelInfo(model)
	info.ServingName, info.Version = l.name, folder.Version
	if err := l.service.AddModel(model, info); err != nil {
		return nil, told(errors.Join(err, model.Close()))
	}
	debug.FreeOSMemory() // loading takes several times the weights
	return &loadedModel{service: l.service, model: model, info: info}, nil
}

// told tells the manager of an error that may pass.
func told(err error) error {
	if tfmodel.IsTransient(err) {
		return fmt.Errorf("%w: %w", versions.ErrTransient, err)
	}
	return err
}

// loadedModel is a version that the server has.
type loadedModel struct {
	service *server.Server
	model   *network.Model
	info    server.ModelInfo
}

// Digest names the weights.
func (m *loadedModel) Digest() string { return m.info.Digest }

// LogValue is what a log tells of the model beside its version.
func (m *loadedModel) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("name", m.info.Name),
		slog.String("device", m.info.Device),
		slog.String("precision", m.info.Precision),
		slog.String("digest", m.info.Digest))
}

// Unload takes the model from the server; what it returns closes it.
func (m *loadedModel) Unload() (free func() error) {
	wait, err := m.service.RemoveModel(m.info.ServingName, m.info.Version)
	if err != nil {
		return func() error {
			return fmt.Errorf("unload version %s of model %s: %w", m.info.Version, m.info.ServingName, err)
		}
	}
	return func() error {
		wait()
		err := m.model.Close()
		// The graph is freed by a finalizer, which nothing else would hurry.
		m.model = nil
		debug.FreeOSMemory()
		return err
	}
}
