package bulk_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the package if a test, or a run itself, leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
