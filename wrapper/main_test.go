package composio_test

import (
	"runtime/debug"
	"slices"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the package if a test, or the client itself, leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// underRace is whether the race detector is on. Under it a call allocates more: a sync.Pool drops a part of what it is
// given, and the compiler keeps copies that it leaves out otherwise.
var underRace = func() bool {
	build, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(build.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}()
