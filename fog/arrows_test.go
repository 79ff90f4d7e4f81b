package fog_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/fogcompute/fogcompute"

// goList returns the lines that `go list` prints for args, run at the root of the module.
func goList(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Dir = ".."
	out, err := cmd.Output()
	require.NoError(t, err, "go list %v", args)
	return strings.Fields(string(out))
}

// storey is the height of a package in the house; imports go strictly
// downwards or stay inside one engine's own folder.
func engineOf(pkg string) string {
	rest, ok := strings.CutPrefix(pkg, module+"/fog/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	switch name {
	case "scheduler", "tokenomics", "idle", "privacy", "p2p", "betanet", "blob", "benchmark":
		return name
	}
	return ""
}

func isDB(pkg string) bool {
	base := filepath.Base(pkg)
	return strings.HasSuffix(base, "db") && engineOf(pkg) != ""
}

// TestArrows holds the arrows of the house: no engine knows another engine,
// the root package, a database or the server; nothing below the server knows it.
func TestArrows(t *testing.T) {
	for _, line := range goListImports(t) {
		from, to := line[0], line[1]
		engine := engineOf(from)
		inside := strings.HasPrefix(to, module)
		switch {
		case strings.HasPrefix(from, module+"/fog") && strings.HasPrefix(to, module+"/server"):
			t.Errorf("%s imports %s: nothing calls back up", from, to)
		case engine != "" && engineOf(to) != "" && engineOf(to) != engine:
			t.Errorf("%s imports %s: engines stand side by side", from, to)
		case engine != "" && to == module+"/fog":
			t.Errorf("%s imports the root: engines do not know the house", from)
		case strings.HasPrefix(from, module+"/fog/internal") && inside && !strings.HasPrefix(to, module+"/fog/internal"):
			t.Errorf("%s imports %s: the ground imports nothing of ours", from, to)
		case strings.HasPrefix(from, module+"/server") && isDB(to):
			t.Errorf("%s imports %s: the server is only a consumer of fog", from, to)
		case strings.HasPrefix(to, "github.com/uptrace/bun") && !isDB(from) && from != module+"/fog/internal/db" && from != module+"/fog/internal/db/dbtest":
			t.Errorf("%s imports %s: bun lives only in folders named ...db", from, to)
		case strings.HasPrefix(to, "github.com/tetratelabs/wazero") && !strings.HasPrefix(from, module+"/fog/idle/worker"):
			t.Errorf("%s imports %s: wazero lives only in the worker", from, to)
		case strings.HasPrefix(to, "github.com/shirou/gopsutil") && from != module+"/fog/idle/sensor":
			t.Errorf("%s imports %s: gopsutil lives only in the sensor", from, to)
		case strings.HasPrefix(to, "github.com/gin-gonic/gin") && !strings.HasPrefix(from, module+"/server"):
			t.Errorf("%s imports %s: gin lives only in the server", from, to)
		}
	}
}

// goListImports returns each (importer, imported) pair of the module's packages.
func goListImports(t *testing.T) [][2]string {
	t.Helper()
	var pairs [][2]string
	cmd := exec.CommandContext(t.Context(), "go", "list", "-f", `{{$p := .ImportPath}}{{range .Imports}}{{$p}} {{.}}
{{end}}`, "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	require.NoError(t, err)
	for _, line := range strings.Split(string(out), "\n") {
		if from, to, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			pairs = append(pairs, [2]string{from, to})
		}
	}
	require.NotEmpty(t, pairs)
	return pairs
}

// TestArrowsSchedulerAlone: whoever uses the scheduler alone gets no third-party module.
func TestArrowsSchedulerAlone(t *testing.T) {
	for _, dep := range goList(t, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./fog/scheduler") {
		require.Truef(t, strings.HasPrefix(dep, module), "fog/scheduler pulls %s", dep)
	}
}

// TestSchedulerAloneIsSmall: a program that uses the scheduler alone, stripped, stays under 4 MB.
func TestSchedulerAloneIsSmall(t *testing.T) {
	dir, err := os.MkdirTemp(".", "_alone-") // inside of the module, and of no pattern
	require.NoError(t, err)
	defer func() { require.NoError(t, os.RemoveAll(dir)) }()
	program := `package main

import (
	"context"
	"fmt"

	"` + module + `/fog/scheduler"
)

func main() {
	s, err := scheduler.New(scheduler.Config{})
	if err != nil {
		panic(err)
	}
	go func() { _ = s.Run(context.Background()) }()
	fmt.Println(s.Submit(context.Background(), []scheduler.Submission{{Name: "job"}}))
}
`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o600))
	binary := filepath.Join(t.TempDir(), "alone")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./"+dir).CombinedOutput()
	require.NoError(t, err, string(out))
	info, err := os.Stat(binary)
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(4_000_000))
	out, err = exec.CommandContext(t.Context(), binary).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "job")
}

// TestArrowsNoTestLibraries: no product links a test library.
func TestArrowsNoTestLibraries(t *testing.T) {
	for _, dep := range goList(t, "-deps", "./server/fogd", "./examples/quickstart", "./examples/agent") {
		require.NotContains(t, dep, "stretchr/testify")
		require.NotContains(t, dep, "pgregory.net/rapid")
		require.NotContains(t, dep, "gorilla/websocket/test")
	}
}

// TestOutsideProgram builds a program in a module of its own that uses the
// library through a replace directive, as a user does until it is published.
func TestOutsideProgram(t *testing.T) {
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	dir := t.TempDir()
	gosum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	gomod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	_, requires, _ := strings.Cut(string(gomod), "require (")
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("go.mod", "module example.org/outside\n\ngo 1.26\n\nrequire "+module+" v0.0.0\n\nreplace "+module+" => "+root+"\n\nrequire ("+requires)
	write("go.sum", string(gosum))
	main, err := os.ReadFile(filepath.Join(root, "examples", "embed", "main.go"))
	require.NoError(t, err)
	write("main.go", string(main))
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "outside"), ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod -buildvcs=false")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}
