package otelexample_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the package if a test, or a span, leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
