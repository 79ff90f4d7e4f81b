package fog_test

import (
	"os"
	"testing"

	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
)

// TestMain turns the test binary into the program of the crash tests when it
// is started as one.
func TestMain(m *testing.M) {
	if os.Getenv(crashEnv) != "" {
		os.Exit(crashProgram())
	}
	code := dbtest.Main(m)
	_ = os.Remove(plainPath()) // where it was built
	os.Exit(code)
}
