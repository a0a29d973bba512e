package e2e_test

import (
	"testing"

	"siamese/internal/proctest"
)

func TestMain(m *testing.M) { proctest.Main(m) }
