package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/alecthomas/kong"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/doctor"
	"siamese/server"
	"siamese/tfmodel"
)

// DoctorCommand is `siamese doctor`: it tries what `siamese serve` with the same flags
// would need, without serving.
type DoctorCommand struct {
	Flags

	JSON bool `help:"Prints a JSON object with the checks, each with its status ok, warning or problem, and the number of problems and warnings."`

	why error // the environment or the file can't be understood
}

// Despite implements cli.Despite: what is wrong with the configuration is a finding.
func (c *DoctorCommand) Despite(why error) { c.why = why }

// Run prints what was found. The error says that there are problems.
func (c *DoctorCommand) Run(ctx context.Context, parsed *kong.Context, s cli.Streams) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	serve := &Command{Flags: c.Flags}
	serve.LogLevel = slog.LevelError
	checks := []doctor.Check{
		doctor.Library(program),
		doctor.Fine("tensorflow", "%s", tfmodel.TensorFlowVersion()),
		doctor.Processor(),
		c.checkConfiguration(parsed.Model),
		serve.checkGPU(),
		doctor.Files(serve.neededFiles()),
		serve.checkScratch(),
		doctor.Clock(program, time.Now()),
		serve.checkSecurity(),
	}
	checks = append(checks, serve.checkGalleries(ctx))
	checks = append(checks, serve.checkPorts(ctx)...)
	checks = append(checks, serve.checkModels(ctx)...)
	checks = append(checks, checkWebcam(program))
	if err := doctor.Print(s.Out, checks, c.JSON); err != nil {
		return err
	}
	return doctor.Verdict(checks)
}

// checkConfiguration says whether environment and file can be understood.
func (c *DoctorCommand) checkConfiguration(app *kong.Application) doctor.Check {
	const name = "configuration"
	if c.why != nil {
		return doctor.Fail(name, fmt.Sprintf("%v (the checks below are of the defaults)", c.why), "correct what is named; siamese serve --print-config prints a file that is right")
	}
	if misspelt := cli.Misspelt(app); len(misspelt) > 0 {
		return doctor.Warn(name, "no flag comes from the variable "+strings.Join(misspelt, ", "), "unset it, or write it right: siamese help serve lists all")
	}
	return doctor.Fine(name, "flags, environment and file are understood")
}

// checkGPU says whether the GPU that is there, or asked for, can be used.
func (c *Command) checkGPU() doctor.Check {
	const name = "gpu"
	devices, err := tfmodel.Devices()
	if err != nil {
		return doctor.Fail(name, err.Error(), "siamese devices, with TF_CPP_MIN_LOG_LEVEL=0, says more")
	}
	var seen []string
	for _, device := range devices {
		if strings.HasPrefix(device.Name, "gpu:") {
			seen = append(seen, fmt.Sprintf("%s with %d MiB", device.Name, device.MemoryBytes>>20))
		}
	}
	if len(seen) > 0 {
		return doctor.Fine(name, "%s", strings.Join(seen, ", "))
	}
	judge := doctor.Warn
	if strings.HasPrefix(c.Device, "gpu:") {
		judge = doctor.Fail
	}
	found := doctor.FindGPU()
	switch {
	case len(found.Nodes) == 0 && found.Driver == "" && c.Device == tfmodel.DeviceAuto, c.Device == tfmodel.DeviceCPU:
		return doctor.Fine(name, "none is used: models run on the CPU")
	case found.Driver == "":
		return judge(name, fmt.Sprintf("--device %s, and NVIDIA's driver is not loaded", c.Device), "install NVIDIA's driver (nvidia-smi then lists the GPU), or --device cpu")
	case len(found.Nodes) == 0:
		return judge(name, fmt.Sprintf("driver %s, and no /dev/nvidia0", found.Driver), "give the container the GPU (docker run --gpus all), the systemd unit PrivateDevices=no, or --device cpu")
	}
	return judge(name, fmt.Sprintf("driver %s and %s are there, and TensorFlow sees no GPU: it is the one for the CPU, or one of CUDA's libraries is missing", found.Driver, strings.Join(found.Nodes, ", ")),
		"make gpu && make build, or install siamese-cuda; TF_CPP_MIN_LOG_LEVEL=0 siamese devices names the library")
}

// neededFiles are the files and sockets that are open when all connections are.
func (c *Command) neededFiles() uint64 {
	const beside = 256 // libraries, models being read, pipes
	ports := 0
	for _, port := range c.ports() {
		if port.address != "" {
			ports++
		}
	}
	return uint64(beside + ports*c.MaxConnections)
}

// checkScratch says whether there is a folder in which a model can be unpacked: as the
// loader does it takes the first that will do, and warns where that is not the one named.
func (c *Command) checkScratch() doctor.Check {
	const neededBytes = 160 << 20 // both built-in models at once
	places := []string{os.TempDir()}
	if c.Cache != "" {
		places = []string{c.Cache, os.TempDir()}
	}
	if cache, err := os.UserCacheDir(); err == nil {
		places = append(places, filepath.Join(cache, "siamese"))
	}
	var first doctor.Check
	for i, place := range places {
		check := doctor.Folder("folder", place, neededBytes, "--cache")
		switch {
		case check.Status == doctor.OK && (i == 0 || c.Cache == ""):
			return check
		case check.Status == doctor.OK:
			return doctor.Warn(first.Name, fmt.Sprintf("%s; %s serves instead", first.Found, place), first.Mend)
		case i == 0:
			first = check
		}
	}
	return first
}

// checkSecurity reads certificates and tokens as the server does.
func (c *Command) checkSecurity() doctor.Check {
	const name, soon = "security", 14 * 24 * time.Hour
	security, err := c.openSecurity(c.GalleryRights)
	if err != nil {
		return doctor.Fail(name, err.Error(), "name files that are there: siamese token NAME prints the line for --tokens, --gallery-rights takes lines NAME read|write|manage GALLERY, scripts/make-certificates.sh makes certificates to try (docs/security.md)")
	}
	held := security.callers.certificates
	if held == nil && security.callers.tokens == nil {
		return doctor.Fine(name, "neither certificate nor tokens are asked for")
	}
	if held == nil {
		return doctor.Fine(name, "tokens are read, no certificate")
	}
	until := held.NotAfter()
	switch left := time.Until(until); {
	case left < 0:
		return doctor.Fail(name, fmt.Sprintf("the certificate in %s ended on %s", c.TLSCert, until.UTC().Format(time.RFC3339)), "renew it and put it there: it is taken over while the server runs")
	case left < soon:
		return doctor.Warn(name, fmt.Sprintf("the certificate in %s ends on %s", c.TLSCert, until.UTC().Format(time.RFC3339)), "renew it and put it there: it is taken over while the server runs")
	}
	return doctor.Fine(name, "certificate until %s", until.UTC().Format(time.RFC3339))
}

// checkModels opens each model as the server does: hashes, operations and golden pairs.
// First comes whether there is memory for them.
func (c *Command) checkModels(ctx context.Context) []doctor.Check {
	const name = "models"
	chosen, err := c.choose()
	if err != nil {
		return []doctor.Check{doctor.Fail(name, err.Error(), "siamese help serve says what the flags take")}
	}
	checks := []doctor.Check{c.checkMemory(chosen), c.checkLimits(chosen)}
	for _, model := range chosen.models {
		checks = append(checks, c.checkModel(ctx, model))
	}
	return checks
}

func (c *Command) checkModel(ctx context.Context, model *chosenModel) doctor.Check {
	name := "model " + model.name
	if err := model.check(); err != nil {
		return doctor.Fail(name, fmt.Sprintf("--model %s: %v", model.path, err), "siamese models lists those that are built in; siamese export makes a folder of a weight file")
	}
	started := time.Now()
	opened, err := c.OpenPath(ctx, model.path, slog.New(slog.DiscardHandler))
	if err != nil {
		mend := fmt.Sprintf("siamese model info %s says what it is; write it again: siamese export --model WEIGHTS FOLDER", model.path)
		if model.builtIn {
			mend = "see the checks library, folder and memory"
		}
		return doctor.Fail(name, err.Error(), mend)
	}
	defer opened.Close() //nolint:errcheck // the process ends soon
	return doctor.Fine(name, "%s on %s, loaded and its golden pairs hold (%v)", opened.Card().Name, opened.Device(), time.Since(started).Round(time.Millisecond))
}

// checkMemory plans as the server does.
func (c *Command) checkMemory(chosen *choice) doctor.Check {
	const name = "memory"
	const mend = "a larger limit (MemoryMax=, docker run --memory), one model (--model general), --cache-bytes 0, or --memory as you like it"
	var warnings bytes.Buffer
	plan := *c
	logger := slog.New(slog.NewTextHandler(&warnings, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if err := plan.planMemory(chosen, logger); err != nil {
		return doctor.Fail(name, err.Error(), mend)
	}
	if warnings.Len() > 0 {
		_, text, _ := strings.Cut(warnings.String(), "msg=")
		return doctor.Warn(name, text, mend)
	}
	limit, err := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)()
	if err != nil && !errors.Is(err, memlimit.ErrNoLimit) {
		return doctor.Warn(name, err.Error(), "")
	}
	models := plan.besideCalls(len(chosen.models))
	if available, known := doctor.AvailableMemory(); known && available < models {
		return doctor.Warn(name, fmt.Sprintf("%d MB are free now, the models take about %d MB", available>>20, models>>20), "end other programs, or one model: --model general")
	}
	return doctor.Fine(name, "limit %d MB: models (%d) and their caches take about %d MB, calls up to %d MB", min(limit, noLimit)>>20, len(chosen.models), models>>20, plan.Memory>>20)
}

// checkLimits holds the limits against each other as the server does.
func (c *Command) checkLimits(chosen *choice) doctor.Check {
	const name = "limits"
	plan, silent := *c, slog.New(slog.DiscardHandler)
	if err := plan.planMemory(chosen, silent); err != nil {
		return doctor.Warn(name, "not looked at, since memory is not planned", "see the check memory")
	}
	service, err := server.New(plan.config(chosen, silent))
	if err != nil {
		return doctor.Fail(name, err.Error(), "siamese help serve says what the flags take: those of the field's name")
	}
	service.Close()
	return doctor.Fine(name, "agree with each other")
}

// checkWebcam looks at the webcam client beside the program, which is left out where
// there is no OpenCV.
func checkWebcam(program string) doctor.Check {
	webcam := filepath.Join(filepath.Dir(program), "siamese-webcam")
	if _, err := os.Stat(webcam); err != nil {
		return doctor.Fine("webcam", "siamese-webcam is not beside siamese; the server does without (make webcam builds it)")
	}
	check := doctor.Library(webcam)
	check.Name = "webcam"
	return check
}
