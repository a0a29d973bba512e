package tfmodel_test

import (
	"math"

	"siamese/tfmodel"
	"siamese/weights"
)

// reference is the network written out in plain Go and float64, straight from
// its description: what TensorFlow's graph is held against.
type reference struct {
	architecture tfmodel.Architecture
	set          *weights.Set
}

// plane is [height][width][channel].
type plane [][][]float64

func newPlane(height, width, channels int) plane {
	p := make(plane, height)
	for y := range p {
		p[y] = make([][]float64, width)
		for x := range p[y] {
			p[y][x] = make([]float64, channels)
		}
	}
	return p
}

func (r reference) values(name string) []float32 {
	tensor, _ := r.set.Get(name)
	return tensor.Data
}

func (r reference) encode(pixels []byte) []float64 {
	x := newPlane(r.architecture.Height, r.architecture.Width, 3)
	for i, value := range pixels {
		x[i/3/r.architecture.Width][i/3%r.architecture.Width][i%3] = float64(value) / 255
	}
	names := [][]string{{"block1_conv1"}, {"block2_conv1", "block2_conv2"}}
	for _, block := range names {
		for _, name := range block {
			x = r.convolution(x, name)
		}
		x = maxPool(x)
	}
	return r.project(r.pool(x))
}

// pool makes one row of the last map.
func (r reference) pool(x plane) []float64 {
	var flat []float64
	for _, row := range x {
		for _, pixel := range row {
			flat = append(flat, pixel...)
		}
	}
	power := 1.0
	switch r.architecture.Pooling {
	case tfmodel.GeM:
		power = r.architecture.GeMPower
	case tfmodel.Average:
	default:
		return flat
	}
	channels := len(x[0][0])
	pooled := make([]float64, channels)
	for i, value := range flat {
		pooled[i%channels] += math.Pow(value, power) / float64(len(flat)/channels)
	}
	for i, value := range pooled {
		pooled[i] = math.Pow(value, 1/power)
	}
	return pooled
}

// project is the dense layer and the scaling after pooling.
func (r reference) project(x []float64) []float64 {
	if r.architecture.Projection > 0 {
		kernel, bias := r.values("projection/kernel"), r.values("projection/bias")
		projected := make([]float64, len(bias))
		for j := range projected {
			projected[j] = float64(bias[j])
			for i, value := range x {
				projected[j] += value * float64(kernel[i*len(bias)+j])
			}
		}
		x = projected
	}
	if r.architecture.Unit {
		squares := 1e-6
		for _, value := range x {
			squares += value * value
		}
		for i := range x {
			x[i] /= math.Sqrt(squares)
		}
	}
	return x
}

func (r reference) convolution(x plane, name string) plane {
	kernel, bias := r.values(name+"/kernel"), r.values(name+"/bias")
	inputs, outputs := len(x[0][0]), len(bias)
	y := newPlane(len(x), len(x[0]), outputs)
	for row := range y {
		for column := range y[row] {
			for output := range outputs {
				y[row][column][output] = math.Max(0, float64(bias[output])+r.window(x, kernel, row, column, output, inputs, outputs))
			}
		}
	}
	return y
}

// window is one output of a 3×3 kernel [3,3,in,out] about (row, column), zero
// outside.
func (reference) window(x plane, kernel []float32, row, column, output, inputs, outputs int) float64 {
	sum := 0.0
	for dy := -1; dy <= 1; dy++ {
		for dx := -1; dx <= 1; dx++ {
			if row+dy < 0 || row+dy >= len(x) || column+dx < 0 || column+dx >= len(x[0]) {
				continue
			}
			for input := range inputs {
				weight := kernel[(((dy+1)*3+dx+1)*inputs+input)*outputs+output]
				sum += x[row+dy][column+dx][input] * float64(weight)
			}
		}
	}
	return sum
}

// maxPool is 2×2, stride 2, an odd last row or column left out.
func maxPool(x plane) plane {
	y := newPlane(len(x)/2, len(x[0])/2, len(x[0][0]))
	for row := range y {
		for column := range y[row] {
			for channel := range y[row][column] {
				y[row][column][channel] = max(
					x[2*row][2*column][channel], x[2*row][2*column+1][channel],
					x[2*row+1][2*column][channel], x[2*row+1][2*column+1][channel])
			}
		}
	}
	return y
}

func (r reference) compare(a, b []float64) float64 {
	kernel, bias := r.values("dense_1/kernel"), r.values("dense_1/bias")
	last, lastBias := r.values("dense_2/kernel"), r.values("dense_2/bias")
	logit := float64(lastBias[0])
	for unit := range bias {
		sum := float64(bias[unit])
		for i := range a {
			sum += math.Abs(a[i]-b[i]) * float64(kernel[i*len(bias)+unit])
		}
		logit += math.Max(0, sum) * float64(last[unit])
	}
	return 1 / (1 + math.Exp(-logit))
}
