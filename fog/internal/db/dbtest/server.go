package dbtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	serverUser = "fog"            // superuser inside the server
	patience   = 30 * time.Second // for a start or a stop on a busy machine
)

// Server is a PostgreSQL server in a temporary folder, reached by a socket in that folder. It is made for speed and not for
// keeping data: a crash of the machine would lose it, a crash of the server does not.
type Server struct {
	bin  string
	dir  string
	cred *syscall.Credential // of an unprivileged user; nil: our own
	life io.Closer           // open as long as we live: the janitor waits for its end

	mu      sync.Mutex // guards what follows
	process *process   // nil when stopped
}

// process is one run of the server program.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// NewServer starts a server for one test, which may Stop, Kill and Start it. It ends with the test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	s, err := newServer()
	if err != nil {
		missing(t, err)
	}
	t.Cleanup(s.remove)
	return s
}

// newServer makes a cluster and starts its server.
func newServer() (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin}
	if s.dir, err = os.MkdirTemp("", "fogpg-"); err != nil {
		return nil, err
	}
	if err := s.prepare(); err != nil {
		_ = os.RemoveAll(s.dir)
		return nil, err
	}
	if err := s.Start(); err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

// binaries finds the folder of the newest server programs.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	newest, best := "", 0
	for _, path := range found {
		version, err := strconv.Atoi(strings.Split(path, "/")[4])
		if err == nil && version > best {
			newest, best = filepath.Dir(path), version
		}
	}
	if newest == "" {
		return "", errors.New("initdb not found")
	}
	return newest, nil
}

// prepare hands the folder to an unprivileged user, since PostgreSQL refuses to run as root, makes the cluster, and starts
// the janitor.
func (s *Server) prepare() error {
	if os.Geteuid() == 0 {
		cred, err := unprivileged()
		if err != nil {
			return err
		}
		s.cred = cred
		if err := os.Chown(s.dir, int(cred.Uid), int(cred.Gid)); err != nil {
			return err
		}
	}
	initdb := s.command("initdb", "-D", s.data(), "-U", serverUser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if text, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, text)
	}
	return s.startJanitor()
}

// unprivileged returns the user postgres, or nobody.
func unprivileged() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("running as root, and there is neither a user postgres nor a user nobody")
}

// command prepares one of the server's programs, to run as the unprivileged user inside the folder.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = childAttributes(s.cred)
	return cmd
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// startJanitor starts a shell that waits until this process has ended or the server is removed, whichever way, then makes
// sure that the server is gone and removes the folder. It is in a process group of its own, so Ctrl-C does not reach it.
func (s *Server) startJanitor() error {
	cmd := exec.Command("/bin/sh", "-c", `read -r _
		pid=$(head -n 1 "$0/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" && while kill -0 "$pid"; do sleep 0.1; done
		rm -rf -- "$0"`, s.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	life, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	s.life = life
	return cmd.Start()
}

// URL returns the address of the server's administrative database.
func (s *Server) URL() string {
	u := url.URL{Scheme: "postgres", User: url.User(serverUser), Host: "", Path: "/postgres"}
	u.RawQuery = url.Values{"host": {s.dir}, "sslmode": {"disable"}}.Encode()
	return u.String()
}

// Database returns the address of a fresh database on this server. It lives as long as the server.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("fog_%d", time.Now().UnixNano())
	execute(t, s.URL(), "CREATE DATABASE "+name)
	return strings.Replace(s.URL(), "/postgres?", "/"+name+"?", 1)
}

// Start starts the server and waits until it answers. A server that runs is left alone.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		return nil
	}
	cmd := s.command("postgres", "-D", s.data(), "-k", s.dir, "-c", "listen_addresses=", "-c", "fsync=off",
		"-c", "full_page_writes=off", "-c", "synchronous_commit=off", "-c", "shared_buffers=32MB",
		"-c", "max_connections=200", "-c", "autovacuum=off", "-c", "max_wal_size=256MB")
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd.Stdout, cmd.Stderr = log, log // never ours: go test waits until every holder of its output is gone
	p, err := run(cmd)
	if err != nil {
		return err
	}
	if err := s.answers(p); err != nil {
		_ = cmd.Process.Signal(syscall.SIGQUIT)
		<-p.ended
		text, _ := os.ReadFile(log.Name())
		return fmt.Errorf("start PostgreSQL: %w: %s", err, text)
	}
	s.process = p
	return nil
}

// run starts a program on a thread that lives until the program ends: the signal that its parent's death sends it is
// bound to the parent's thread.
func run(cmd *exec.Cmd) (*process, error) {
	started, p := make(chan error), &process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	return p, <-started
}

// answers waits until the server accepts connections.
func (s *Server) answers(p *process) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.ended:
			return errors.New("the server ended")
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		conn, err := pgx.Connect(ctx, s.URL())
		if err == nil {
			return conn.Close(ctx)
		}
	}
}

// Stop shuts the server down in an orderly way, cutting its connections.
func (s *Server) Stop() { s.end(syscall.SIGINT) }

// Kill ends the server as a crash would: no farewell, and recovery at the next Start.
func (s *Server) Kill() { s.end(syscall.SIGQUIT) }

// end sends a signal and waits until the server is gone.
func (s *Server) end(signal os.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return
	}
	_ = s.process.cmd.Process.Signal(signal)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-s.process.ended:
	case <-timer.C:
		_ = s.process.cmd.Process.Kill()
		<-s.process.ended
	}
	s.process = nil
}

// remove ends the server for good and lets the janitor remove its folder.
func (s *Server) remove() {
	s.Kill()
	_ = os.RemoveAll(s.dir)
	if s.life != nil {
		_ = s.life.Close()
	}
}
