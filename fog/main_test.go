package fog_test

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
)

// TestMain turns the test binary into the program of the crash tests when it
// is started as one.
func TestMain(m *testing.M) {
	if os.Getenv(crashEnv) != "" {
		os.Exit(crashProgram())
	}
	atOnce(4)
	os.Exit(dbtest.Main(m))
}

// atOnce has that many parallel tests run on a small machine, too: these wait for
// timers and other processes more than they compute.
func atOnce(tests int) {
	flag.Parse()
	set := flag.Lookup("test.parallel")
	if n, err := strconv.Atoi(set.Value.String()); err == nil && n < tests && n == runtime.GOMAXPROCS(0) {
		_ = set.Value.Set(strconv.Itoa(tests)) // a number is always taken
	}
}
