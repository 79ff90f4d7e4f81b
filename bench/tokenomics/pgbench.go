package tokenomics

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// pgbench is PostgreSQL's own benchmark, its TPC-B at scale 10 with 8 clients and prepared statements, in the cluster of the
// ledger that it is compared with.
type pgbench struct{ server *Server }

func newPgbench(ctx context.Context, server *Server) (*pgbench, error) {
	p := &pgbench{server}
	_, err := p.call(ctx, "-i", "-q", "-s", "10")
	return p, err
}

func (p *pgbench) call(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(p.server.Bin, "pgbench"), append(args, p.server.URL)...)
	text, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("pgbench: %w: %.500s", err, text)
	}
	return string(text), nil
}

// run is the number of transactions a second.
func (p *pgbench) run(ctx context.Context, lasts time.Duration) (float64, error) {
	text, err := p.call(ctx, "-n", "-M", "prepared", "-c", "8", "-j", "2", "-T", strconv.Itoa(int(lasts.Seconds())))
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(`(?m)^tps = ([0-9.]+) `).FindStringSubmatch(text)
	failed := regexp.MustCompile(`(?m)^number of failed transactions: 0 `).MatchString(text)
	if found == nil || !failed {
		return 0, fmt.Errorf("pgbench answered %.500s", text)
	}
	tps, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		return 0, err
	}
	return tps, p.check(ctx)
}

// check compares the three sums of TPC-B with its history.
func (p *pgbench) check(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, p.server.URL)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // it was for reading
	var wrong bool
	err = conn.QueryRow(ctx, `SELECT (SELECT sum(abalance) FROM pgbench_accounts) <> h OR (SELECT sum(tbalance) FROM pgbench_tellers) <> h
		OR (SELECT sum(bbalance) FROM pgbench_branches) <> h FROM (SELECT sum(delta) AS h FROM pgbench_history) AS history`).Scan(&wrong)
	if err == nil && wrong {
		return fmt.Errorf("the sums of pgbench do not agree")
	}
	return err
}
