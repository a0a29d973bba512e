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
	"sync"
	"time"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/server"
	"siamese/server/admin"
	"siamese/server/versions"
	"siamese/tfmodel"
)

// versionFlags choose among the versions of a model.
type versionFlags struct {
	ModelVersion string            `help:"Chooses the version that answers calls which name none: latest, a folder's number or a label." default:"latest"`
	Label        map[string]string `help:"Names a version, such as canary=latest or stable=3; may be repeated. Empty: no names." placeholder:"NAME=VERSION"`
	ReloadPeriod time.Duration     `help:"Sets how often to look for new versions in the model's folder. 0: only when the admin service is asked to." default:"5s"`
	MaxModels    int               `help:"Limits the models in memory, those that answer their last calls included." default:"4"`
}

// models are the versions of the model and what looks after them.
type models struct {
	manager *versions.Manager
	admin   *admin.Service
	port    net.Listener // nil without --admin-addr
	work    sync.WaitGroup

	// What the goroutines of start ended with; to be read after work is done.
	startErr, adminErr error
}

// openModels prepares the versions and takes the admin service's port, which
// asks for what operators says. Nothing is loaded yet.
func (c *Command) openModels(ctx context.Context, service *server.Server, operators guard, logger *slog.Logger) (*models, error) {
	manager, err := versions.New(versions.Config{
		Source:    modelSource(c.Model),
		Loader:    &modelLoader{command: c, service: service, logger: logger},
		Router:    service,
		Default:   c.ModelVersion,
		Labels:    c.Label,
		Period:    c.ReloadPeriod,
		MaxLoaded: c.MaxModels,
		Logger:    logger,
	})
	if err != nil {
		return nil, cli.Usage(err)
	}
	m := &models{manager: manager}
	if c.AdminAddr == "" {
		return m, nil
	}
	if m.port, err = c.listenAdmin(ctx); err != nil {
		return nil, err
	}
	m.admin = admin.New(manager, c.adminConfig(m.port.Addr(), operators, logger))
	return m, nil
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
		if m.startErr = m.manager.Run(ctx); m.startErr != nil {
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

// close waits for what start began, whose ctx must be done, and closes all
// models. No call may be in flight.
func (m *models) close() error {
	m.work.Wait()
	return errors.Join(m.startErr, m.adminErr, m.manager.Close())
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

// modelLoader loads versions into TensorFlow and hands them to the server.
type modelLoader struct {
	command *Command
	service *server.Server
	logger  *slog.Logger
	noGPU   sync.Once // says so once, not at every version
}

// Load loads a version. Its files' hashes and golden pairs hold when it returns.
func (l *modelLoader) Load(ctx context.Context, folder versions.Folder) (versions.Model, error) {
	flags := l.command.ModelFlags
	flags.Model = folder.Path
	model, err := flags.Open(ctx, l.logger)
	if err != nil {
		return nil, told(err)
	}
	if flags.Device == tfmodel.DeviceAuto && model.Device() == tfmodel.DeviceCPU {
		l.noGPU.Do(func() { l.logger.Info("no GPU found: the model runs on the CPU") })
	}
	model.LogPrecision(l.logger)
	info := l.command.modelInfo(model)
	info.Version = folder.Version
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
	wait, err := m.service.RemoveModel(m.info.Version)
	if err != nil {
		return func() error { return fmt.Errorf("unload version %s: %w", m.info.Version, err) }
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
