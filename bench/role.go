package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// role is what a child does. It returns when it is ready and has listed its answers; end is called when the parent
// wants no more.
type role func(ctx context.Context, setup []byte) (*part, error)

// part is a child at work.
type part struct {
	address string // where it listens; "" nowhere
	answers map[string]func(ctx context.Context) (any, error)
	end     func() error
}

func roles() map[string]role {
	return map[string]role{"house": runHouse, "bare": runBare, "device": runDevice}
}

// runAsChild is the whole life of a child; in any other process it returns at once.
func runAsChild() {
	if len(os.Args) != 5 || os.Args[1] != childName {
		return
	}
	// Should the parent hang rather than end, a child is not to stay for ever.
	time.AfterFunc(limit+time.Minute, func() { os.Exit(1) })
	run, setup, profile := roles()[os.Args[2]], []byte(os.Args[3]), os.Args[4]
	if err := live(run, setup, profile); err != nil {
		fmt.Fprintln(os.Stderr, os.Args[2], "child:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// live plays a role until standard input ends.
func live(run role, setup []byte, profile string) error {
	out := json.NewEncoder(os.Stdout)
	p, err := run(context.Background(), setup)
	if err != nil {
		return out.Encode(hello{Error: err.Error()})
	}
	stopProfile, err := startProfile(profile)
	if err != nil {
		return err
	}
	if err := out.Encode(hello{Address: p.address}); err != nil {
		return err
	}
	words := bufio.NewScanner(os.Stdin)
	for words.Scan() {
		if err := out.Encode(p.answer(words.Text())); err != nil {
			return err
		}
	}
	if err := stopProfile(); err != nil {
		return err
	}
	return p.end()
}

// answer answers one word.
func (p *part) answer(word string) any {
	if word == "usage" {
		return usageNow()
	}
	ask := p.answers[word]
	if ask == nil {
		return hello{Error: "no such word: " + word}
	}
	answer, err := ask(context.Background())
	if err != nil {
		return hello{Error: err.Error()}
	}
	return answer
}

// startProfile writes a CPU profile of this process into a file until the returned function is called.
func startProfile(file string) (stop func() error, err error) {
	if file == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// usageNow is what this process has used.
func usageNow() any {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return hello{Error: err.Error()}
	}
	resident, err := residentOf(os.Getpid())
	if err != nil {
		return hello{Error: err.Error()}
	}
	return usage{CPU: time.Duration(r.Utime.Nano() + r.Stime.Nano()), Resident: resident}
}

// residentOf is how many bytes of memory a process occupies now.
func residentOf(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("no VmRSS in /proc/%d/status", pid)
}
