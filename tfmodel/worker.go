package tfmodel

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"siamese/tfmodel/internal/tf"
)

// workerJob is the name of the workers' job in TensorFlow's cluster.
const workerJob = "worker"

// taskName is TensorFlow's name for a worker.
func taskName(number int) string {
	return fmt.Sprintf("/job:%s/task:%d", workerJob, number)
}

// WorkerConfig says which worker of which cluster a process is.
type WorkerConfig struct {
	// Cluster are the addresses of all workers, host:port, the same list and
	// order for each of them and for the trainer.
	Cluster []string
	// Number is the place of this process in Cluster, from 0. It listens at the
	// port of that address, on all interfaces.
	Number int
}

// Validate returns an error that names what is wrong, nil if nothing is.
func (c WorkerConfig) Validate() error {
	if err := checkCluster(c.Cluster); err != nil {
		return err
	}
	if c.Number < 0 || c.Number >= len(c.Cluster) {
		return fmt.Errorf("worker %d of a cluster of %d, want 0 to %d", c.Number, len(c.Cluster), len(c.Cluster)-1)
	}
	return nil
}

// checkCluster returns an error that names the first address that is wrong.
func checkCluster(cluster []string) error {
	if len(cluster) == 0 {
		return fmt.Errorf("a cluster of no addresses, want host:port of each worker")
	}
	seen := make(map[string]bool)
	for _, address := range cluster {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return fmt.Errorf("worker's address %q, want host:port: %w", address, err)
		}
		if number, err := strconv.Atoi(port); err != nil || number < 1 || number > 65535 {
			return fmt.Errorf("worker's address %q has port %q, want 1 to 65535", address, port)
		}
		if seen[address] {
			return fmt.Errorf("worker's address %q is in the cluster twice", address)
		}
		seen[address] = true
	}
	return nil
}

// StartWorker makes this process a worker of TensorFlow's distributed runtime:
// from then on it runs what trainers of the cluster ask for, until it exits;
// TensorFlow offers no way to stop it. Anyone who can reach the port can run
// any graph in this process, and nothing is encrypted: trusted networks only.
func StartWorker(config WorkerConfig) error {
	if err := config.Validate(); err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	job := &corepb.JobDef{Name: workerJob, Tasks: make(map[int32]string)}
	for number, address := range config.Cluster {
		job.Tasks[int32(number)] = address
	}
	definition, err := proto.Marshal(&corepb.ServerDef{
		Cluster:   &corepb.ClusterDef{Job: []*corepb.JobDef{job}},
		JobName:   workerJob,
		TaskIndex: int32(config.Number),
		Protocol:  "grpc",
		DefaultSessionConfig: &corepb.ConfigProto{
			GpuOptions: &corepb.GPUOptions{AllowGrowth: true},
		},
	})
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	if err := tf.StartServer(definition); err != nil {
		return fmt.Errorf("worker %d at %s: %w", config.Number, config.Cluster[config.Number], err)
	}
	return nil
}

const (
	// workerDialTimeout is how long a worker may take to accept a connection.
	workerDialTimeout = 5 * time.Second
	// workerWatchPeriod is the time between two checks of the workers in a run.
	workerWatchPeriod = 2 * time.Second
)

// reachWorkers returns an error that names the first worker that accepts no
// connection: TensorFlow itself would wait for it forever.
func reachWorkers(cluster []string) error {
	for number, address := range cluster {
		connection, err := net.DialTimeout("tcp", address, workerDialTimeout)
		if err != nil {
			return fmt.Errorf("worker %d at %s is not there: %w", number, address, err)
		}
		_ = connection.Close() // nothing was sent
	}
	return nil
}

// watched does a run and checks the workers while it lasts: if one dies,
// TensorFlow may wait for it forever, and nothing can interrupt that. The run is
// then abandoned with its memory, and the trainer can no longer be used.
func (t *Trainer) watched(run func() error) error {
	if len(t.cluster) == 0 {
		return run()
	}
	ended := make(chan error, 1) // 1: an abandoned run can still end
	go func() { ended <- run() }()
	ticker := time.NewTicker(workerWatchPeriod)
	defer ticker.Stop()
	for {
		select {
		case err := <-ended:
			// Closing the session would wait for a worker that is gone.
			t.lost = err != nil && reachWorkers(t.cluster) != nil
			return err
		case <-ticker.C:
			if err := reachWorkers(t.cluster); err != nil {
				t.lost = true
				return err
			}
		}
	}
}

// workerDevices are the towers of a cluster. Which of a worker's devices runs an
// operation is TensorFlow's choice: its first GPU where it has one.
func (o Options) workerDevices() ([]string, error) {
	var devices []string
	if len(o.Towers) == 0 {
		for number := range o.Cluster {
			devices = append(devices, taskName(number))
		}
		return devices, nil
	}
	for _, tower := range o.Towers {
		suffix, ok := strings.CutPrefix(tower, "worker:")
		number, err := strconv.Atoi(suffix)
		if !ok || err != nil || number < 0 || number >= len(o.Cluster) {
			return nil, fmt.Errorf(`tower %q, want "worker:0" to "worker:%d": the cluster has %d workers`, tower, len(o.Cluster)-1, len(o.Cluster))
		}
		devices = append(devices, taskName(number))
	}
	return devices, nil
}

// target is where the session of a trainer runs: the first worker of the
// cluster, or "" for this process.
func (o Options) target() string {
	if len(o.Cluster) == 0 {
		return ""
	}
	return "grpc://" + o.Cluster[0]
}
