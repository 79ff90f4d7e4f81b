package idle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

// embedded is a guest in this process, as a program has it that embeds wazero and nothing else.
type embedded struct {
	runtime wazero.Runtime
	module  wazero.CompiledModule
}

// embed compiles a module. With stoppable set a context's end stops a guest that spins, as Bacalhau has it
// (pkg/executor/wasm/executor.go there).
func embed(ctx context.Context, wasm []byte, stoppable bool) (*embedded, error) {
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithCoreFeatures(api.CoreFeaturesV2).WithCloseOnContextDone(stoppable))
	for _, name := range []string{"wasi_snapshot_preview1", "wasi_unstable"} {
		b := r.NewHostModuleBuilder(name)
		wasi_snapshot_preview1.NewFunctionExporter().ExportFunctions(b)
		if _, err := b.Instantiate(ctx); err != nil {
			return nil, errors.Join(err, r.Close(ctx))
		}
	}
	module, err := r.CompileModule(ctx, wasm)
	if err != nil {
		return nil, errors.Join(err, r.Close(ctx))
	}
	return &embedded{r, module}, nil
}

// run runs the guest once, and returns what it has printed and the CPU time of this process meanwhile.
func (e *embedded) run(ctx context.Context, args []string, stdin []byte, files map[string]string) (string, time.Duration, error) {
	began := cpu()
	var out bytes.Buffer
	config := wazero.NewModuleConfig().WithName("").WithArgs(append([]string{"guest"}, args...)...).WithStdin(bytes.NewReader(stdin)).WithStdout(&out)
	fs := wazero.NewFSConfig()
	for guest, host := range files {
		fs = fs.WithDirMount(host, guest)
	}
	module, err := e.runtime.InstantiateModule(ctx, e.module, config.WithFSConfig(fs))
	if module != nil {
		err = errors.Join(err, module.Close(ctx))
	}
	var exit *sys.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 0 {
		err = nil
	}
	if err != nil {
		return "", 0, fmt.Errorf("embedded guest: %w", err)
	}
	return out.String(), cpu() - began, nil
}

func (e *embedded) close(ctx context.Context) error { return e.runtime.Close(ctx) }
