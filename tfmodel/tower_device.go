package tfmodel

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"siamese/tfmodel/internal/tf"
)

// towerDevices are TensorFlow's names for the towers.
func (o Options) towerDevices() ([]string, error) {
	if len(o.Cluster) > 0 {
		return o.workerDevices()
	}
	if len(o.Towers) == 0 {
		return []string{""}, nil
	}
	var devices []string
	for _, tower := range o.Towers {
		kind, number, err := parseTower(tower)
		if err != nil {
			return nil, err
		}
		devices = append(devices, fmt.Sprintf("/device:%s:%d", strings.ToUpper(kind), number))
	}
	return devices, nil
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

// checkDevices tells which of the devices that a trainer is to run on are not
// there: TensorFlow would quietly run on the CPU instead.
func (o Options) checkDevices(session *tf.Session, towers []string) error {
	if len(o.Cluster) > 0 {
		return nil // reachWorkers has looked; which devices a worker has is its own affair
	}
	if _, err := o.chosenDevice(session); err != nil {
		return err
	}
	found, err := session.Devices()
	if err != nil {
		return err
	}
	var names []string
	for _, device := range found {
		names = append(names, shortDeviceName(device.Name))
	}
	for i, tower := range towers {
		if tower != "" && !slices.Contains(names, o.Towers[i]) {
			return fmt.Errorf("tower %s is not there: TensorFlow %s sees %s", o.Towers[i], tf.Version(), strings.Join(names, ", "))
		}
	}
	return nil
}

// processors is how many CPU devices TensorFlow has to show for the towers.
func (o Options) processors() (int, error) {
	if len(o.Cluster) > 0 {
		return 0, nil
	}
	most := 0
	for _, tower := range o.Towers {
		kind, number, err := parseTower(tower)
		if err != nil {
			return 0, err
		}
		if kind == DeviceCPU {
			most = max(most, number+1)
		}
	}
	return most, nil
}

// parseTower splits "cpu:N" or "gpu:N".
func parseTower(tower string) (kind string, number int, err error) {
	kind, suffix, ok := strings.Cut(tower, ":")
	if ok && (kind == DeviceCPU || kind == "gpu") {
		if number, err := strconv.Atoi(suffix); err == nil && number >= 0 {
			return kind, number, nil
		}
	}
	return "", 0, fmt.Errorf(`tower %q, want "cpu:N" or "gpu:N"`, tower)
}

// target is where the session of a trainer runs: the first worker of the
// cluster, or "" for this process.
func (o Options) target() string {
	if len(o.Cluster) == 0 {
		return ""
	}
	return "grpc://" + o.Cluster[0]
}
