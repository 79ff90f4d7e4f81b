package dbtest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

const childVariable = "FOG_DBTEST_CHILD"

// TestMain is also the program of the child: it starts a server, says where, and waits to be killed.
func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(Main(m))
	}
	s, err := newServer()
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println(s.dir, s.process.cmd.Process.Pid)
	select {}
}

func TestServerDiesWithItsTestBinary(t *testing.T) {
	if _, err := binaries(); err != nil {
		missing(t, err)
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"=1")
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	dir, pid, found := strings.Cut(strings.TrimSpace(line), " ")
	require.True(t, found)
	require.DirExists(t, dir)
	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for range 1000 {
		_, dirErr := os.Stat(dir)
		_, processErr := os.Stat("/proc/" + pid)
		if os.IsNotExist(dirErr) && os.IsNotExist(processErr) {
			return
		}
		<-ticker.C
	}
	t.Fatalf("server %s or its folder %s outlived the test binary", pid, dir)
}

func TestStopStartKill(t *testing.T) {
	s := NewServer(t)
	ctx := context.Background()
	address := s.Database(t)
	execute(t, address, "CREATE TABLE t (x INTEGER)")
	for _, end := range []func(){s.Stop, s.Kill} {
		end()
		end()
		_, err := pgx.Connect(ctx, address)
		require.Error(t, err)
		require.NoError(t, s.Start())
		require.NoError(t, s.Start())
		execute(t, address, "INSERT INTO t VALUES (1)")
	}
	s.remove()
	require.NoDirExists(t, s.dir)
}

func TestDatabasesAreFresh(t *testing.T) {
	for range 2 {
		t.Run("", func(t *testing.T) {
			_, err := Postgres(t).Write.ExecContext(context.Background(), "CREATE TABLE t (x INTEGER)")
			require.NoError(t, err)
			_, err = SQLite(t).Write.ExecContext(context.Background(), "CREATE TABLE t (x INTEGER)")
			require.NoError(t, err)
		})
	}
}
