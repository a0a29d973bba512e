package training

import "testing"

// TestStepsFollowThePictures: small data have epochs that are worth a validation.
func TestStepsFollowThePictures(t *testing.T) {
	tests := []struct{ given, pictures, batch, want int }{
		{0, 18, 64, 20}, {0, 72, 64, 20}, {0, 1280, 64, 20}, {0, 1281, 64, 21}, {0, 13_000, 64, 204}, {0, 72, 2, 36}, {3, 72, 64, 3},
	}
	for _, tt := range tests {
		command := Command{trainFlags: trainFlags{StepsPerEpoch: tt.given, Batch: tt.batch}}
		if got := command.steps(tt.pictures); got != tt.want {
			t.Errorf("%d pictures in batches of %d, --steps-per-epoch %d: %d steps, want %d", tt.pictures, tt.batch, tt.given, got, tt.want)
		}
	}
}
