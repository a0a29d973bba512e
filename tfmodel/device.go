package tfmodel

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	binding "github.com/galeone/tensorflow/tensorflow/go"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"siamese/tfmodel/internal/tf"
)

// The devices that need no number.
const (
	DeviceAuto = "auto" // the first GPU if there is one, else the CPU
	DeviceCPU  = "cpu"
)

// Options say how a model is run. The zero value is valid: the device "auto",
// TensorFlow's choice of threads.
//
// The first model that a process loads fixes the threads for all later ones:
// TensorFlow keeps one pool.
type Options struct {
	// Device is "auto" (the default), "cpu" or "gpu:N", N from 0.
	Device string
	// GPUMemoryFraction is the share of a GPU's memory that TensorFlow may take,
	// above 0 to 1. Default 0: it takes what it needs, as it needs it.
	GPUMemoryFraction float64
	// IntraThreads is the number of threads within an operation, InterThreads of
	// operations side by side. Default 0: one a core.
	IntraThreads int
	InterThreads int
	// MaxRunImages is how many images Encode gives TensorFlow at once, at least
	// 1. Default 0: 8 on a CPU, where more gains nothing and a run can't be
	// interrupted; 128 on a GPU.
	MaxRunImages int
	// Towers are the devices that a step of training is split over: "cpu:N" and
	// "gpu:N", the latter with Device "auto", or with Cluster "worker:N". Default
	// nil: one tower on Device, with Cluster one on each worker. Models ignore it.
	Towers []string
	// Cluster are the addresses, host:port, of the workers that train, in the
	// order that each was started with (see StartWorker). Worker 0 holds the
	// weights. Default nil: training runs in this process. Models ignore it.
	Cluster []string
	// Precision is what convolutions and matrix products are computed in; sums,
	// weights and results stay float32. Default Float32Precision. AutoPrecision
	// chooses by the processor and the model's golden pairs.
	Precision Precision
	// Trust says which models may be opened. Training ignores it.
	Trust Trust

	// rounds has BFloat16 rewrite the graph on a CPU as well: for tests.
	rounds bool
}

// Images a run may have by default. On an NVIDIA H200 runs of 128 take 19 ms in
// float32 and 6 ms in bfloat16, at 0.88 and 0.99 of the best rate of any size; 256
// would double the wait.
const (
	maxRunImagesCPU = 8
	maxRunImagesGPU = 128
)

// runImages is MaxRunImages with its default for a device.
func (o Options) runImages(device string) int {
	switch {
	case o.MaxRunImages > 0:
		return o.MaxRunImages
	case device == DeviceCPU:
		return maxRunImagesCPU
	}
	return maxRunImagesGPU
}

// Validate returns an error that names the first option out of range, nil if there
// is none.
func (o Options) Validate() error {
	if _, _, err := parseDevice(o.Device); err != nil {
		return err
	}
	if !(o.GPUMemoryFraction >= 0 && o.GPUMemoryFraction <= 1) {
		return fmt.Errorf("GPU memory fraction %v, want 0 to 1", o.GPUMemoryFraction)
	}
	if o.IntraThreads < 0 || o.InterThreads < 0 {
		return fmt.Errorf("threads %d and %d, want 0 or more", o.IntraThreads, o.InterThreads)
	}
	if err := o.Precision.validate(); err != nil {
		return err
	}
	if err := o.Trust.validate(); err != nil {
		return err
	}
	if len(o.Cluster) > 0 {
		if err := checkCluster(o.Cluster); err != nil {
			return err
		}
	}
	if o.MaxRunImages < 0 {
		return fmt.Errorf("images in a run %d, want 0 or more", o.MaxRunImages)
	}
	return nil
}

// parseDevice splits a device's name into kind and number.
func parseDevice(device string) (kind string, number int, err error) {
	switch device {
	case "", DeviceAuto:
		return DeviceAuto, 0, nil
	case DeviceCPU:
		return DeviceCPU, 0, nil
	}
	if suffix, ok := strings.CutPrefix(device, "gpu:"); ok {
		if number, err := strconv.Atoi(suffix); err == nil && number >= 0 {
			return "gpu", number, nil
		}
	}
	return "", 0, fmt.Errorf(`device %q, want "auto", "cpu" or "gpu:N"`, device)
}

// config is the session's ConfigProto, serialized. A GPU's memory is taken as
// needed: by default TensorFlow takes all of it.
func (o Options) config() ([]byte, error) {
	kind, number, err := parseDevice(o.Device)
	if err != nil {
		return nil, err
	}
	config := &corepb.ConfigProto{
		IntraOpParallelismThreads: int32(o.IntraThreads),
		InterOpParallelismThreads: int32(o.InterThreads),
		GpuOptions: &corepb.GPUOptions{
			AllowGrowth:                 true,
			PerProcessGpuMemoryFraction: o.GPUMemoryFraction,
		},
		// Operations without a kernel for their device run on the CPU. Whether
		// a tower's device exists is checked before: see checkDevices.
		AllowSoftPlacement: true,
	}
	if o.Precision.session() == BFloat16 && !o.rounds {
		config.GraphOptions = &corepb.GraphOptions{RewriteOptions: &corepb.RewriterConfig{
			AutoMixedPrecisionOnednnBfloat16: corepb.RewriterConfig_ON,
		}}
	}
	processors, err := o.processors()
	if err != nil {
		return nil, err
	}
	if processors > 1 {
		config.DeviceCount = map[string]int32{"CPU": int32(processors)}
	}
	switch kind {
	case DeviceCPU:
		if config.DeviceCount == nil {
			config.DeviceCount = make(map[string]int32)
		}
		config.DeviceCount["GPU"] = 0
	case "gpu":
		// Only this one is seen, as TensorFlow's GPU:0.
		config.GpuOptions.VisibleDeviceList = strconv.Itoa(number)
	}
	return proto.Marshal(config)
}

// chosenDevice says which device the session runs on, in this program's words.
// It is an error when a GPU was asked for by number and there is none.
func (o Options) chosenDevice(session *tf.Session) (string, error) {
	kind, number, err := parseDevice(o.Device)
	if err != nil {
		return "", err
	}
	devices, err := session.Devices()
	if err != nil {
		return "", err
	}
	var names []string
	hasGPU := false
	for _, device := range devices {
		hasGPU = hasGPU || device.Type == "GPU"
		names = append(names, shortDeviceName(device.Name))
	}
	switch {
	case kind == "gpu" && !hasGPU:
		return "", fmt.Errorf("device gpu:%d is not there: TensorFlow %s sees %s ('siamese doctor' says why; --device cpu does without)", number, tf.Version(), strings.Join(names, ", "))
	case kind != DeviceCPU && hasGPU:
		return fmt.Sprintf("gpu:%d", number), nil
	}
	return DeviceCPU, nil
}

// shortDeviceName turns "/job:localhost/replica:0/task:0/device:CPU:0" into
// "cpu:0".
func shortDeviceName(name string) string {
	if _, short, ok := strings.Cut(name, "device:"); ok {
		return strings.ToLower(short)
	}
	return strings.ToLower(name)
}

// Device is a device that a model can run on.
type Device struct {
	// Name is as Options.Device takes it.
	Name string
	// MemoryBytes is the memory that TensorFlow may use of it.
	MemoryBytes int64
}

// Devices lists what TensorFlow can run on here. It starts TensorFlow, which
// takes a second or more where there are GPUs.
func Devices() ([]Device, error) {
	found, err := Options{}.devices()
	if err != nil {
		return nil, err
	}
	var devices []Device
	for _, device := range found {
		name := shortDeviceName(device.Name)
		if device.Type == "CPU" {
			name = DeviceCPU
		}
		devices = append(devices, Device{Name: name, MemoryBytes: device.MemoryBytes})
	}
	return devices, nil
}

// onCPU reports whether a model would run on the CPU.
func (o Options) onCPU() (bool, error) {
	kind, _, err := parseDevice(o.Device)
	if err != nil || kind != DeviceAuto {
		return kind == DeviceCPU, err
	}
	devices, err := o.devices()
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(devices, func(d tf.Device) bool { return d.Type == "GPU" }), nil
}

// roundsGraph reports whether a graph is to be rewritten to bfloat16: what
// TensorFlow does by itself on a CPU it does not on a GPU.
func (o Options) roundsGraph() (bool, error) {
	if o.Precision.session() != BFloat16 || len(o.Cluster) > 0 {
		return false, nil
	}
	if o.rounds {
		return true, nil
	}
	if len(o.Towers) > 0 {
		return slices.ContainsFunc(o.Towers, func(tower string) bool { return strings.HasPrefix(tower, "gpu:") }), nil
	}
	onCPU, err := o.onCPU()
	return !onCPU, err
}

// devices asks an empty session. It has the options' own configuration, since
// the first session of a process fixes the threads.
func (o Options) devices() ([]tf.Device, error) {
	config, err := o.config()
	if err != nil {
		return nil, err
	}
	empty := binding.NewGraph()
	owner, err := binding.NewSession(empty, &binding.SessionOptions{Config: config})
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	session, err := tf.Borrow(owner, empty)
	if err != nil {
		return nil, err
	}
	defer func() { _ = session.Close() }() // an empty session: nothing is lost
	return session.Devices()
}

// GPU is what the driver says of a GPU.
type GPU = tf.GPU

// GPULibrary is one of CUDA's libraries that this process has loaded.
type GPULibrary = tf.GPULibrary

// ReadGPU asks the driver about a GPU by its number, from 0, as the driver counts
// them. False means that there is no driver or no such GPU. Safe for concurrent
// use.
func ReadGPU(number int) (GPU, bool) { return tf.ReadGPU(number) }

// GPULibraries lists CUDA's libraries with their versions, as far as they are
// loaded: once a model or trainer runs on a GPU, or Devices has found one.
func GPULibraries() []GPULibrary { return tf.GPULibraries() }
