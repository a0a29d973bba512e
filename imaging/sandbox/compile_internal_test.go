package sandbox

import "testing"

// BenchmarkCompile is what the first picture of a decoder waits for.
func BenchmarkCompile(b *testing.B) {
	for _, m := range []*Module{JPEG, TIFF, HEVC, AV1} {
		b.Run(m.name, func(b *testing.B) {
			for b.Loop() {
				if err := New(m.name, m.packed).Warm(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
