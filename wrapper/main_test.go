package composio_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the package if a test, or the client itself, leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
