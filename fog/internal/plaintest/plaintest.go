// Package plaintest runs tests in a program without the race detector.
//
// Under the detector Go takes about ten times as long, and SQLite, which is C translated to Go, twenty times. Where a test repeats the same
// work a hundred thousand times, or has to start a program again and again, the races that it could still find are found in the
// first hundred rounds, by tests that run with the detector.
package plaintest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Program returns the path of the test binary of the package under test, built without the race detector: the one that runs, or another
// that is built when it is first asked for. It lies beside the one that runs, and go test removes both.
func Program() (string, error) { return built() }

// built is the one piece of state that a package of tests cannot be handed.
var built = sync.OnceValues(func() (string, error) {
	own, err := os.Executable()
	if err != nil || !Race {
		return own, err
	}
	plain := filepath.Join(filepath.Dir(own), "plain.test")
	cmd := exec.Command("go", "test", "-c", "-race=false", "-o", plain, ".")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the tests without the race detector: %w: %s", err, out)
	}
	return plain, nil
})

// Elsewhere runs the whole of a test in a program without the race detector, if it is under way in one with it, and reports whether it has
// done so: then there is nothing left to do. What the program prints is logged; env is added to its environment.
func Elsewhere(t *testing.T, env ...string) bool {
	t.Helper()
	if !Race {
		return false
	}
	program, err := Program()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-test.run", "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$", "-test.v"}
	for _, arg := range os.Args[1:] { // what the caller has set for its tests
		if strings.HasPrefix(arg, "-rapid.") || strings.HasPrefix(arg, "-test.timeout") {
			args = append(args, arg)
		}
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	for lines := bufio.NewScanner(strings.NewReader(string(out))); lines.Scan(); {
		t.Log(lines.Text())
	}
	if err != nil {
		t.Errorf("without the race detector: %v", err)
	}
	return true
}
