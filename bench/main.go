// Command bench measures the platform beside its peers. It prints one line a
// figure and exits 0 whatever it finds; only a figure that could not be
// measured for a reason of its own making is an error on standard error.
//
//	go run . -suite server -figure '*_cpu'
//
// Peer and ours run interleaved in one call; values are medians.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path"
	"slices"
	"strconv"
	"time"

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
	op    string // "<" or ">"
	value float64
}

func (g goal) verdict(v float64) string {
	if (g.op == "<" && v < g.value) || (g.op == ">" && v > g.value) {
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

// errSkipped says why a figure cannot be had here: a missing peer, for example.
var errSkipped = errors.New("skipped")

const limit = 5 * time.Minute // for one figure

func main() {
	worker.Main()
	runAsPeer()
	suite := flag.String("suite", "all", "suite to run: server, endtoend or all")
	pattern := flag.String("figure", "*", "glob of figure names, with or without their suite")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, f := range slices.Concat(serverFigures(), endToEndFigures()) {
		if *suite != "all" && *suite != f.suite {
			continue
		}
		if !matches(*pattern, f) || ctx.Err() != nil {
			continue
		}
		print(ctx, f)
	}
}

func matches(pattern string, f figure) bool {
	short, _ := path.Match(pattern, f.name)
	long, _ := path.Match(pattern, f.suite+"/"+f.name)
	return short || long
}

// print measures one figure and prints its line.
func print(ctx context.Context, f figure) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := f.measure(ctx)
	if err != nil {
		fmt.Printf("figure %s/%s skipped %v\n", f.suite, f.name, err)
		if !errors.Is(err, errSkipped) {
			fmt.Fprintf(os.Stderr, "%s/%s: %v\n", f.suite, f.name, err)
		}
		return
	}
	line := fmt.Sprintf("figure %s/%s %s %s", f.suite, f.name, number(r.Value), r.Unit)
	judged := r.Value
	if r.Peer != "" {
		line += fmt.Sprintf(" peer=%s peer_value=%s ratio=%s", r.Peer, number(r.PeerValue), number(r.Ratio))
		judged = r.Ratio
	}
	if f.goal.op != "" {
		line += fmt.Sprintf(" goal=%s%s %s", f.goal.op, number(f.goal.value), f.goal.verdict(judged))
	}
	if r.Note != "" {
		line += " # " + r.Note
	}
	fmt.Println(line)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// median of values; it sorts a copy.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
