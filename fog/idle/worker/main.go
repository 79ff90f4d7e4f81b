package worker

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// A worker process is told what it is by its arguments; its environment is empty.
const (
	workerName    = "fog-worker"
	workerVersion = "1"
)

// Main must be the first call of the main function of every program that starts workers, TestMain included. It returns at
// once in an ordinary process. In a worker process, which is the same program started again under another name, it serves
// the agent on standard input and output and ends the process.
func Main() {
	if len(os.Args) != 2 || os.Args[0] != workerName || os.Args[1] != workerVersion {
		return
	}
	// Two threads run Go code: one the guest, the other notices that the agent has gone.
	runtime.GOMAXPROCS(2)
	out := os.Stdout
	os.Stdout = os.Stderr // nothing that prints by accident may disturb the protocol
	if err := confine(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	raiseThreads(8) // two for Go code, the others for reads, the collector and the runtime's own
	s := &server{ctx: context.Background(), in: make(chan order), out: bufio.NewWriterSize(out, maxPiece)}
	go s.receive(bufio.NewReaderSize(os.Stdin, maxPiece))
	if err := s.serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	os.Exit(0)
}

// raiseThreads makes the runtime start so many threads, which it keeps. Once a guest's memory is bounded, a thread that the runtime misses
// could find no room for its stack, and the worker would die of a limit without a word of it.
func raiseThreads(n int) {
	var all sync.WaitGroup
	all.Add(n)
	for range n {
		go func() {
			runtime.LockOSThread() // so none of them shares a thread while all wait for each other
			defer runtime.UnlockOSThread()
			all.Done()
			all.Wait()
		}()
	}
	all.Wait()
}

// order is a message of the agent with the bytes that it announced.
type order struct {
	kind    byte
	payload []byte
	bodies  [][]byte
	run     runMessage
	load    loadMessage
}

// server is the worker's end of the pipes.
type server struct {
	ctx context.Context
	in  chan order
	out *bufio.Writer
	box *sandbox
	// memory is how many private bytes this process may have beside what a run may use.
	memory    int64
	interpret bool // its guests are not compiled
}

// receive reads orders until the agent closes the pipe, which ends the process even while a guest runs.
func (s *server) receive(r io.Reader) {
	for {
		o, err := readOrder(r)
		if err != nil {
			if errors.Is(err, io.EOF) {
				os.Exit(0)
			}
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		s.in <- o
	}
}

// readOrder reads one message and all that belongs to it.
func readOrder(r io.Reader) (o order, err error) {
	if o.kind, o.payload, err = readFrame(r); err != nil {
		return order{}, err
	}
	var sizes []int64
	switch o.kind {
	case kindLoad:
		err = o.load.decode(o.payload)
		sizes = []int64{o.load.size}
	case kindRun:
		err = o.run.decode(o.payload)
		sizes = append(sizes, o.run.stdin.size)
		for i := range o.run.inputs {
			sizes = append(sizes, o.run.inputs[i].size)
		}
	case kindCompile:
	default:
		err = errMessage
	}
	if err != nil {
		return order{}, err
	}
	for _, size := range sizes {
		body, err := readBody(r, size)
		if err != nil {
			return order{}, err
		}
		o.bodies = append(o.bodies, body)
	}
	return o, nil
}

// serve loads one module and then runs it as often as it is asked to.
func (s *server) serve() error {
	o := <-s.in
	if o.kind != kindLoad {
		return errMessage
	}
	loaded, err := s.load(&o)
	if err != nil {
		return err
	}
	if err := s.answer(kindLoaded, loaded.encode(), nil); err != nil || loaded.class != "" {
		return err
	}
	if err := seal(); err != nil {
		return err
	}
	o = order{} // the module's bytes are not needed any more
	if !loaded.cached {
		debug.FreeOSMemory() // nor is what the compiler needed
	}
	for {
		o := <-s.in
		if o.kind != kindRun {
			return errMessage
		}
		if err := s.run(&o); err != nil {
			return err
		}
	}
}

// load checks a module and makes it ready, from the cache or by compiling it.
func (s *server) load(o *order) (loadedMessage, error) {
	m := &o.load
	if !hasDigest(o.bodies[0], m.digest) {
		return loadedMessage{class: ClassInfra, reason: "module: digest mismatch"}, nil
	}
	module, err := Check(o.bodies[0])
	if err != nil {
		return loadedMessage{class: ClassPolicy, reason: fault.Detail(err)}, nil
	}
	if s.memory, err = privateMemory(); err != nil {
		return loadedMessage{}, err
	}
	s.memory, s.interpret = s.memory+m.memory, m.interpret
	if err := limitMemory(s.memory); err != nil {
		return loadedMessage{}, err
	}
	began := time.Now()
	cache := &codeCache{dir: m.dir, seal: []byte(m.key)}
	if cache.dir != "" && cache.verify() == nil {
		if loaded, err := s.compile(&module, cache, true); err == nil && loaded.class == "" && loaded.cached {
			loaded.compile = time.Since(began)
			return loaded, nil
		}
		cache.dir = "" // it does not compile what its seal vouches for: do without it
	}
	if err := s.answer(kindWant, nil, nil); err != nil {
		return loadedMessage{}, err
	}
	if o := <-s.in; o.kind != kindCompile {
		return loadedMessage{}, errMessage
	}
	began = time.Now() // while this process waited for its turn, another one may have filled the cache
	loaded, err := s.compile(&module, cache, cache.dir != "" && cache.verify() == nil)
	loaded.compile = time.Since(began)
	return loaded, err
}

// compile makes a module ready; hit says that the cache holds its code and bears out its seal. A cache that cannot be kept, as on a full
// disk, is done without: that is no fault of the module.
func (s *server) compile(module *Module, cache *codeCache, hit bool) (loadedMessage, error) {
	store, err := cache.open(hit)
	if err == nil {
		s.box, err = newSandbox(s.ctx, module, store, s.interpret)
	} else if !diskTrouble(err) {
		return loadedMessage{}, err
	}
	if err == nil && store != nil && !hit {
		err = cache.close()
	}
	if s.box == nil && cache.dir != "" && !hit && diskTrouble(err) {
		_ = cache.clear() // gives back what little has been written
		s.box, err = newSandbox(s.ctx, module, nil, s.interpret)
	}
	if s.box == nil {
		return loadedMessage{class: ClassPolicy, reason: "module: " + oneLine(err.Error())}, nil
	}
	return loadedMessage{cached: hit}, nil
}

// diskTrouble reports whether an error comes from the file system.
func diskTrouble(err error) bool {
	var path *fs.PathError
	var link *os.LinkError
	return errors.As(err, &path) || errors.As(err, &link)
}

// run runs the guest once.
func (s *server) run(o *order) error {
	if err := errors.Join(limitMemory(s.memory+o.run.memory()), limitCPU(o.run.limits.CPU)); err != nil {
		return err
	}
	result, bodies := s.box.run(s.ctx, &o.run, o.bodies)
	o.bodies = nil
	return s.answer(kindResult, result.encode(), bodies)
}

// answer sends a message and the bytes that it announces, in as few writes as it can.
func (s *server) answer(kind byte, payload []byte, bodies [][]byte) error {
	if err := writeFrame(s.out, kind, payload); err != nil {
		return err
	}
	for _, body := range bodies {
		if err := writeBody(s.out, bytes.NewReader(body), int64(len(body))); err != nil {
			return err
		}
	}
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("worker: write: %w", err)
	}
	return nil
}

// oneLine shortens a message to one line for people.
func oneLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	return text[:min(len(text), 300)]
}
