// Command bench measures the platform beside its peers. It prints one line a
// figure and exits 0 whatever it finds:
//
//	figure <suite>/<name> <value> <unit> [peer=<name> peer_value=<v>] [ratio=<r>] goal=<op><number> <ok|SHORT>
//
// A figure that cannot be had here says skipped and why. Remarks go to standard
// error. README.md explains every figure.
//
//	go run . -suite server -figure '*_cpu'
//	go run . -suite scheduler -figure 'moo/*'
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/bench/sample"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
)

// figure is one thing measured.
type figure struct {
	suite, name string
	goal        goal
	measure     func(context.Context) (result, error)
}

// goal is what a figure should reach; an empty op is no goal.
type goal struct {
	op    string // "<", "<=", ">" or ">="
	value float64
}

func (g goal) verdict(v float64) string {
	met := map[string]bool{"<": v < g.value, "<=": v <= g.value, ">": v > g.value, ">=": v >= g.value}
	if met[g.op] {
		return "ok"
	}
	return "SHORT"
}

// result is what was measured. With a peer, Value and PeerValue share a unit
// and the goal speaks of Ratio.
type result struct {
	Value     float64
	Unit      string
	Peer      string
	PeerValue float64
	Ratio     float64
	Note      string
}

const limit = 5 * time.Minute // for one figure

func main() {
	worker.Main() // a worker process ends here
	runAsChild()  // and so does a server or device that is being measured
	suite := flag.String("suite", "all", "suite to run: server, endtoend, scheduler, tokenomics, idle or all")
	pattern := flag.String("figure", "*", "glob of figure names, with or without their suite; * stands for any text, / too")
	profiles := flag.String("profiles", "", "folder for CPU profiles of the servers measured; empty: none are taken")
	out := flag.String("out", "out", "folder for plots and for the peers' programs")
	rounds := flag.Int("rounds", 0, "rounds of the figures of the suites scheduler, tokenomics and idle; 0: as many as README.md says, fewer are for trying things out")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	b := &bench{profiles: *profiles, out: *out, rounds: *rounds}
	for _, f := range slices.Concat(serverFigures(b), endToEndFigures(b), schedulerFigures(b), tokenomicsFigures(b), idleFigures(b)) {
		if (*suite == "all" || *suite == f.suite) && matches(*pattern, f) && ctx.Err() == nil {
			report(ctx, f)
		}
	}
}

// bench is what the command line asks for.
type bench struct {
	profiles string // folder for CPU profiles; "" is none
	out      string // folder for plots and for the peers' programs
	rounds   int    // of the suites scheduler, tokenomics and idle; 0 is the usual number
}

func matches(pattern string, f figure) bool {
	flat := strings.NewReplacer("/", "\x00") // so that a star stands for slashes too
	short, _ := path.Match(flat.Replace(pattern), flat.Replace(f.name))
	long, _ := path.Match(flat.Replace(pattern), flat.Replace(f.suite+"/"+f.name))
	return short || long
}

// report measures one figure and prints its line.
func report(ctx context.Context, f figure) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := f.measure(ctx)
	if err != nil {
		fmt.Printf("figure %s/%s skipped %s\n", f.suite, f.name, strings.ReplaceAll(err.Error(), "\n", "; "))
		return
	}
	line := fmt.Sprintf("figure %s/%s %s %s", f.suite, f.name, sample.Number(r.Value), r.Unit)
	judged := r.Value
	if r.Peer != "" {
		line += fmt.Sprintf(" peer=%s peer_value=%s ratio=%s", r.Peer, sample.Number(r.PeerValue), sample.Number(r.Ratio))
		judged = r.Ratio
	}
	if f.goal.op != "" {
		line += fmt.Sprintf(" goal=%s%s %s", f.goal.op, sample.Number(f.goal.value), f.goal.verdict(judged))
	}
	fmt.Println(line)
	if r.Note != "" {
		fmt.Fprintf(os.Stderr, "  %s: %s\n", f.name, r.Note)
	}
}
