package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// postgres is a PostgreSQL server of our own in a temporary folder. It keeps what it has committed (fsync is on, as it
// comes), listens on a socket in that folder and nowhere else, and runs as an unprivileged user.
type postgres struct {
	bin, dir string
	cred     *syscall.Credential // nil: our own
	server   *exec.Cmd
}

// startPostgres makes a cluster and starts its server. Without the programs the error says what to install.
func startPostgres(ctx context.Context) (p *postgres, err error) {
	p = &postgres{}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil && len(found) == 0 {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		return nil, errors.New("PostgreSQL is not installed: apt-get install postgresql")
	}
	p.bin = filepath.Dir(found[len(found)-1])
	if p.dir, err = os.MkdirTemp("", "fogbench-pg-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.stop())
		}
	}()
	if err := p.unprivileged(); err != nil {
		return nil, err
	}
	initdb := p.command(ctx, "initdb", "-D", p.data(), "-U", "fog", "-A", "trust", "-E", "UTF8", "--locale=C")
	if text, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, text)
	}
	p.server = p.command(ctx, "postgres", "-D", p.data(), "-k", p.dir, "-c", "listen_addresses=", "-c", "logging_collector=off")
	p.server.Cancel = func() error { return p.server.Process.Signal(syscall.SIGINT) }
	p.server.WaitDelay = farewell
	log, err := os.Create(filepath.Join(p.dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.server.Stdout, p.server.Stderr = log, log
	if err := p.server.Start(); err != nil {
		return nil, err
	}
	return p, p.await(ctx)
}

// unprivileged hands the folder to a user that PostgreSQL is willing to run as, if we are root.
func (p *postgres) unprivileged() error {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		p.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return os.Chown(p.dir, int(uid), int(gid))
	}
	return errors.New("running as root, and there is neither a user postgres nor a user nobody")
}

func (p *postgres) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, name), args...)
	cmd.Dir = p.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.cred, Setpgid: true}
	return cmd
}

func (p *postgres) data() string { return filepath.Join(p.dir, "data") }

// await waits until the server answers, half a minute at most.
func (p *postgres) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var last error
	for ctx.Err() == nil {
		if last = p.command(ctx, "pg_isready", "-q", "-h", p.dir, "-U", "fog", "-d", "postgres").Run(); last == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	text, _ := os.ReadFile(filepath.Join(p.dir, "log"))
	return fmt.Errorf("PostgreSQL does not answer: %w: %s", last, text)
}

// url is the address of the database.
func (p *postgres) url() string {
	u := url.URL{Scheme: "postgres", User: url.User("fog"), Path: "/postgres"}
	u.RawQuery = url.Values{"host": {p.dir}, "sslmode": {"disable"}}.Encode()
	return u.String()
}

// stop shuts the server down and removes the folder.
func (p *postgres) stop() error {
	if p == nil {
		return nil
	}
	if p.server != nil && p.server.Process != nil {
		_ = p.server.Process.Signal(syscall.SIGINT) // it may be gone
		_ = p.server.Wait()                         // and how it ended does not matter
	}
	return os.RemoveAll(p.dir)
}
