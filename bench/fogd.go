package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/fogcompute/fogcompute/bench/sample"
)

// build compiles a package in a folder of its module, as its users do, and returns the path of the program.
func build(ctx context.Context, dir, module, pkg string, env []string, flags ...string) (string, error) {
	program := filepath.Join(dir, filepath.Base(pkg))
	cmd := exec.CommandContext(ctx, "go", slices.Concat([]string{"build"}, flags, []string{"-o", program, pkg})...)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), env...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w: %s", pkg, err, text)
	}
	return program, nil
}

// mainModule is the folder of the module that the bench measures.
func mainModule(ctx context.Context) (string, error) {
	dir, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/fogcompute/fogcompute").Output()
	if err != nil {
		return "", fmt.Errorf("go list: %w: run the bench in its own folder", err)
	}
	return strings.TrimSpace(string(dir)), nil
}

// fogd is a running fogd.
type fogd struct {
	cmd     *exec.Cmd
	address string
	took    time.Duration // from exec to the first 200 of /ready
}

// startFogd starts fogd on a fresh data folder and waits until it is ready.
func startFogd(ctx context.Context, program, dir string, args ...string) (*fogd, error) {
	f := &fogd{cmd: exec.CommandContext(ctx, program, append(args, "--port", "0", "--data-dir", dir)...)}
	f.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	f.cmd.WaitDelay = farewell
	out, err := f.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := f.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	_, url, found := strings.Cut(strings.TrimSpace(line), " answers at ")
	if err != nil || !found {
		return nil, errors.Join(fmt.Errorf("fogd printed %q instead of its address", line), err, f.stop())
	}
	for {
		answer, err := http.Get(url + "/ready")
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				break
			}
		}
		if ctx.Err() != nil || time.Since(began) > 30*time.Second {
			return nil, errors.Join(errors.New("fogd does not become ready"), err, f.stop())
		}
		time.Sleep(time.Millisecond)
	}
	f.took = time.Since(began)
	f.address = strings.TrimPrefix(url, "http://")
	if err := owns(f.cmd.Process.Pid, f.address); err != nil {
		return nil, errors.Join(err, f.stop())
	}
	return f, nil
}

// stop ends fogd as its user would.
func (f *fogd) stop() error {
	_ = f.cmd.Process.Signal(syscall.SIGTERM) // it may be gone
	late := time.AfterFunc(farewell, func() { _ = f.cmd.Process.Kill() })
	defer late.Stop()
	return f.cmd.Wait()
}

// fogdRounds starts fogd again and again, each time on a fresh folder, and takes the median of what look sees.
func fogdRounds(ctx context.Context, rounds int, look func(*fogd) (float64, error), args ...string) (float64, error) {
	dir, err := os.MkdirTemp("", "fogbench-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	module, err := mainModule(ctx)
	if err != nil {
		return 0, err
	}
	program, err := build(ctx, dir, module, "./server/fogd", nil)
	if err != nil {
		return 0, err
	}
	var seen []float64
	for round := -1; round < rounds; round++ {
		f, err := startFogd(ctx, program, filepath.Join(dir, fmt.Sprintf("data%d", round)), args...)
		if err != nil {
			return 0, err
		}
		value, err := look(f)
		if err := errors.Join(err, f.stop()); err != nil {
			return 0, err
		}
		if round >= 0 { // the first brings the program into memory
			seen = append(seen, value)
		}
	}
	return sample.Median(seen), nil
}

// coldStart is the time from exec to the first 200 of /ready, with the settings that a first user has.
func coldStart(ctx context.Context) (result, error) {
	value, err := fogdRounds(ctx, 11, func(f *fogd) (float64, error) { return sample.Millis(f.took), nil })
	return result{Value: value, Unit: "ms"}, err
}

// settle is how long a server is left alone before its memory is looked at.
const settle = 4 * time.Second

// idleMemory is the resident memory of a server that has started and that nobody asks anything.
func idleMemory(ctx context.Context) (result, error) {
	value, err := fogdRounds(ctx, 5, func(f *fogd) (float64, error) {
		time.Sleep(settle)
		resident, err := residentOf(f.cmd.Process.Pid)
		return float64(resident) / 1e6, err
	}, "--no-harvest")
	return result{Value: value, Unit: "MB"}, err
}
