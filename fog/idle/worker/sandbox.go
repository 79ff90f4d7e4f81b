package worker

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/experimental/sysfs"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	wasys "github.com/tetratelabs/wazero/sys"
)

// sandbox is one compiled module, ready to run again and again. It lives in a worker process only: without the checks that
// wazero can insert into loops, which cost a factor of five to thirty, a guest that spins cannot be stopped from within its process.
type sandbox struct {
	runtime wazero.Runtime
	module  wazero.CompiledModule
	pages   uint32 // initial memory
}

// newSandbox makes a checked module ready, by the compiler, whose cache may be nil, or for the interpreter.
func newSandbox(ctx context.Context, m *Module, cache wazero.CompilationCache, interpret bool) (s *sandbox, err error) {
	defer func() {
		if r := recover(); r != nil { // a compiler that panics on a hostile module refuses it
			s, err = nil, fmt.Errorf("the compiler gave up: %v", r)
		}
	}()
	config := wazero.NewRuntimeConfigCompiler()
	if interpret {
		config = wazero.NewRuntimeConfigInterpreter()
	}
	config = config.WithCoreFeatures(api.CoreFeaturesV2).WithDebugInfoEnabled(false)
	if cache != nil {
		config = config.WithCompilationCache(cache)
	}
	ctx = experimental.WithCompilationWorkers(ctx, 1)
	r := wazero.NewRuntimeWithConfig(ctx, config)
	if err := offer(ctx, r, wasiPreview1); err != nil {
		return nil, errors.Join(err, r.Close(ctx))
	}
	if m.Unstable {
		if err := offer(ctx, r, wasiUnstable); err != nil {
			return nil, errors.Join(err, r.Close(ctx))
		}
	}
	compiled, err := r.CompileModule(ctx, m.code)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("it does not validate: %w", err), r.Close(ctx))
	}
	if err := matchImports(r, compiled); err != nil {
		return nil, errors.Join(err, r.Close(ctx))
	}
	return &sandbox{runtime: r, module: compiled, pages: m.MemoryPages}, nil
}

// matchImports refuses a module that imports a function with another signature than it has, so that whatever goes wrong later
// is the guest's own doing.
func matchImports(r wazero.Runtime, compiled wazero.CompiledModule) error {
	for _, want := range compiled.ImportedFunctions() {
		module, name, _ := want.Import()
		have := r.Module(module).ExportedFunctionDefinitions()[name]
		if have == nil || !slices.Equal(have.ParamTypes(), want.ParamTypes()) || !slices.Equal(have.ResultTypes(), want.ResultTypes()) {
			return fmt.Errorf("it imports %s.%s with a signature of its own", module, name)
		}
	}
	return nil
}

// offer offers WASI under a name. Calls that guests may not make answer with an error number. Under the older name, so do four
// calls that had another layout then: such a guest gets an error and never a wrong number.
func offer(ctx context.Context, r wazero.Runtime, name string) error {
	const i32, i64, enosys, enotsup = api.ValueTypeI32, api.ValueTypeI64, 52, 58
	b := r.NewHostModuleBuilder(name)
	wasi_snapshot_preview1.NewFunctionExporter().ExportFunctions(b)
	refuse := func(function string, errno uint64, params ...api.ValueType) {
		b.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) {
			stack[0] = errno
		}), params, []api.ValueType{i32}).Export(function)
	}
	refuse("sock_accept", enotsup, i32, i32, i32)
	refuse("sock_recv", enotsup, i32, i32, i32, i32, i32, i32)
	refuse("sock_send", enotsup, i32, i32, i32, i32, i32)
	refuse("sock_shutdown", enotsup, i32, i32)
	if name == wasiUnstable {
		refuse("fd_seek", enosys, i32, i64, i32, i32)
		refuse("fd_filestat_get", enosys, i32, i32)
		refuse("path_filestat_get", enosys, i32, i32, i32, i32, i32)
		refuse("poll_oneoff", enosys, i32, i32, i32, i32)
	}
	if _, err := b.Instantiate(ctx); err != nil {
		return fmt.Errorf("worker: wasi: %w", err)
	}
	return nil
}

// run runs the guest once. The files are stdin and then the inputs.
func (s *sandbox) run(ctx context.Context, m *runMessage, files [][]byte) (resultMessage, [][]byte) {
	if why := m.verify(files); why != "" {
		return resultMessage{class: ClassInfra, reason: why}, nil
	}
	memory := &linear{most: uint64(m.limits.MemoryBytes)}
	defer memory.free()
	if uint64(s.pages)<<16 > memory.most {
		return resultMessage{class: ClassJob, limit: LimitMemory,
			reason: fmt.Sprintf("memory: the guest starts with %d MiB, its limit is %d MiB", s.pages>>4, memory.most>>20)}, nil
	}
	disk := newFS(m.limits.OutputBytes)
	for i := range m.inputs {
		disk.input(m.inputs[i].path, files[i+1])
	}
	stdout := &sink{most: m.limits.StdoutBytes, stop: true}
	stderr := &sink{most: StderrBytes}
	cpu, began := processCPU(), time.Now()
	err := s.instantiate(memory.attach(ctx), m, disk, files[0], stdout, stderr)
	result := verdict(err, memory.denied)
	result.cpu, result.wall = processCPU()-cpu, time.Since(began)
	result.stdout, result.stderr, result.cut = int64(len(stdout.data)), int64(len(stderr.data)), stderr.cut
	bodies := [][]byte{stdout.data, stderr.data}
	if m.output && result.class == "" {
		paths, contents := disk.outputs()
		for i, p := range paths {
			sum := sha256.Sum256(contents[i])
			result.outputs = append(result.outputs, fileMessage{path: p, digest: hex.EncodeToString(sum[:]), size: int64(len(contents[i]))})
		}
		bodies = append(bodies, contents...)
	}
	return result, bodies
}

// instantiate gives the guest its world and lets it run to its end.
func (s *sandbox) instantiate(ctx context.Context, m *runMessage, disk *memfs, stdin []byte, stdout, stderr io.Writer) (err error) {
	defer func() {
		if r := recover(); r != nil { // thrown outside the guest, while the host prepared or closed it
			err = fmt.Errorf("worker: host: %v", r)
		}
	}()
	w := &world{}
	config := wazero.NewModuleConfig().
		WithName("").
		WithArgs(append([]string{"guest"}, m.args...)...).
		WithStdin(bytes.NewReader(stdin)).
		WithStdout(stdout).
		WithStderr(stderr).
		WithRandSource(randomness(m.seed)).
		WithWalltime(w.wallclock, wasys.ClockResolution(time.Microsecond)).
		WithNanotime(w.tick, wasys.ClockResolution(time.Microsecond)).
		WithNanosleep(w.sleep).
		WithFSConfig(wazero.NewFSConfig().(sysfs.FSConfig).WithSysFSMount(disk, "/")).
		WithStartFunctions("_start")
	instance, err := s.runtime.InstantiateModule(ctx, s.module, config)
	if instance != nil {
		err = errors.Join(err, instance.Close(ctx))
	}
	return err
}

// verify says which of the files is not what the job named, or nothing.
func (m *runMessage) verify(files [][]byte) string {
	if m.stdin.digest != "" && !hasDigest(files[0], m.stdin.digest) {
		return "stdin: digest mismatch"
	}
	for i := range m.inputs {
		if in := &m.inputs[i]; in.digest != "" && !hasDigest(files[i+1], in.digest) {
			return "input " + in.path + ": digest mismatch"
		}
	}
	return ""
}

// hasDigest reports whether data has a SHA-256 given in hex.
func hasDigest(data []byte, digest string) bool {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]) == digest
}

// verdict judges how a guest ended.
func verdict(err error, starved bool) resultMessage {
	var exit *wasys.ExitError
	var over *exceeded
	r := resultMessage{class: ClassJob}
	switch {
	case err == nil:
		return resultMessage{}
	case errors.As(err, &over):
		r.limit, r.reason = over.limit, over.Error()
		return r
	case errors.As(err, &exit) && exit.ExitCode() == 0:
		return resultMessage{}
	case errors.As(err, &exit):
		r.exit, r.reason = exit.ExitCode(), fmt.Sprintf("exit code %d", exit.ExitCode())
	default:
		r.reason = "trap: " + trapText(err)
	}
	if starved {
		r.limit, r.reason = LimitMemory, "memory: the guest asked for more than its limit; then "+r.reason
	}
	return r
}

// trapText is the first line of an error of wazero without what it says about itself. It is the same on every machine; the frames that
// follow it are left out.
func trapText(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	for _, prefix := range []string{"module[] function[_start] failed: ", "start function[0] failed: ", "wasm error: "} {
		line = strings.TrimPrefix(line, prefix)
	}
	line = strings.TrimSuffix(line, " (recovered by wazero)")
	return line[:min(len(line), 200)]
}
