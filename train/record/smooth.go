package record

import "fmt"

// Smooth applies a Savitzky-Golay filter: each value becomes that of the
// polynomial of the given order which fits the window of values around it best
// in the sense of least squares (A. Savitzky, M. J. E. Golay, Analytical
// Chemistry 36, 1964). Near the ends the polynomial of the first or last full
// window is used, as scipy.signal.savgol_filter does by default. The window is
// odd, above the order and no longer than the values; the result is new.
func Smooth(values []float64, window, order int) ([]float64, error) {
	if window%2 == 0 || order < 0 || window <= order {
		return nil, fmt.Errorf("smooth: window is %d and order %d, expected an odd window above an order of 0 or more", window, order)
	}
	if len(values) < window {
		return nil, fmt.Errorf("smooth: received %d values, expected at least the window of %d", len(values), window)
	}
	fit := projection(window, order)
	smooth := make([]float64, len(values))
	for i := range values {
		begin := min(max(i-window/2, 0), len(values)-window)
		for j, weight := range fit[i-begin] {
			smooth[i] += weight * values[begin+j]
		}
	}
	return smooth, nil
}

// projection returns the [window,window] matrix that turns values at equal
// distances into those of the polynomial that fits them best. It is the sum of
// the outer products of orthonormal polynomials, which stays exact where the
// normal equations of the plain powers would lose digits.
func projection(window, order int) [][]float64 {
	fit := make([][]float64, window)
	for i := range fit {
		fit[i] = make([]float64, window)
	}
	for _, p := range orthogonal(window, order) {
		norm := dot(p, p)
		for i := range fit {
			for j := range fit[i] {
				fit[i][j] += p[i] * p[j] / norm
			}
		}
	}
	return fit
}

// orthogonal returns polynomials of degree 0 to order, each by its values at
// the points of the window, orthogonal to one another (Gram-Schmidt on the powers).
func orthogonal(window, order int) [][]float64 {
	var basis [][]float64
	for degree := range order + 1 {
		p := make([]float64, window)
		for i := range p {
			p[i] = 1
			if degree > 0 {
				p[i] = basis[degree-1][i] * float64(i-window/2)
			}
		}
		for _, q := range basis {
			share := dot(p, q) / dot(q, q)
			for i := range p {
				p[i] -= share * q[i]
			}
		}
		basis = append(basis, p)
	}
	return basis
}

func dot(a, b []float64) float64 {
	var sum float64
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}
