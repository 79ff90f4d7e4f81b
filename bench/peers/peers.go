// Package peers runs the programs that do the bench's work with other people's libraries. README.md lists what they need.
package peers

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // the programs' sources
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed pagmo/nsga2.cpp
var pagmoSource []byte

//go:embed deap/nsga2.py
var deapSource []byte

// Peers are the programs, ready to run.
type Peers struct {
	folder string

	pagmo, deap program
}

// program is made ready once.
type program struct {
	once sync.Once
	argv []string
	err  error
}

// New makes nothing ready yet; compiled programs are kept in the folder.
func New(folder string) *Peers { return &Peers{folder: folder} }

// Task is what both sides do: NSGA-II with simulated binary crossover (0.9, eta 15) and polynomial mutation (1/n, eta 20).
type Task struct {
	Problem     string // zdt1, zdt4, dtlz2 or assign
	Population  int
	Generations int
	Seed        int
	File        string // of the assignment
}

// Outcome is what a task came to.
type Outcome struct {
	CPU    time.Duration // of all generations
	Points []float64     // objectives of the last population, row by row
	Width  int           // of a row
}

// Pagmo does a task with pagmo2.
func (p *Peers) Pagmo(ctx context.Context, t Task) (Outcome, error) {
	p.pagmo.once.Do(func() { p.pagmo.argv, p.pagmo.err = p.compile(ctx) })
	if p.pagmo.err != nil {
		return Outcome{}, p.pagmo.err
	}
	return evolve(ctx, append(p.pagmo.argv, "run"), t)
}

// DEAP does a task with DEAP.
func (p *Peers) DEAP(ctx context.Context, t Task) (Outcome, error) {
	p.deap.once.Do(func() { p.deap.argv, p.deap.err = p.script(ctx) })
	if p.deap.err != nil {
		return Outcome{}, p.deap.err
	}
	return evolve(ctx, p.deap.argv, t)
}

// Volume is the hypervolume by pagmo2 of points, row by row, up to a reference point.
func (p *Peers) Volume(ctx context.Context, points, reference []float64) (float64, error) {
	p.pagmo.once.Do(func() { p.pagmo.argv, p.pagmo.err = p.compile(ctx) })
	if p.pagmo.err != nil {
		return 0, p.pagmo.err
	}
	argv := append(p.pagmo.argv, "hv")
	for _, v := range reference {
		argv = append(argv, exact(v))
	}
	var in bytes.Buffer
	for i, v := range points {
		in.WriteString(exact(v))
		if (i+1)%len(reference) == 0 {
			in.WriteByte('\n')
		} else {
			in.WriteByte(' ')
		}
	}
	out, err := output(ctx, &in, argv)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(strings.TrimSpace(out), 64)
}

func exact(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// compile compiles the C++ program unless this very source was compiled before.
func (p *Peers) compile(ctx context.Context) ([]string, error) {
	if _, err := os.Stat("/usr/include/pagmo/pagmo.hpp"); err != nil {
		return nil, fmt.Errorf("pagmo2 is not installed: make peers")
	}
	if err := os.MkdirAll(p.folder, 0o755); err != nil {
		return nil, err
	}
	file, err := filepath.Abs(filepath.Join(p.folder, fmt.Sprintf("pagmo-%.8x", sha256.Sum256(pagmoSource))))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(file); err == nil {
		return []string{file}, nil
	}
	source := file + ".cpp"
	if err := os.WriteFile(source, pagmoSource, 0o644); err != nil {
		return nil, err
	}
	fresh := file + ".new"
	argv := []string{"g++", "-std=c++17", "-O3", "-o", fresh, source, "-lpagmo"}
	if _, err := output(ctx, nil, argv); err != nil {
		return nil, fmt.Errorf("pagmo2: %w (make peers installs what it needs)", err)
	}
	return []string{file}, os.Rename(fresh, file)
}

// script writes the Python program down and finds an interpreter that has DEAP.
func (p *Peers) script(ctx context.Context) ([]string, error) {
	if err := os.MkdirAll(p.folder, 0o755); err != nil {
		return nil, err
	}
	file := filepath.Join(p.folder, "nsga2.py")
	if err := os.WriteFile(file, deapSource, 0o644); err != nil {
		return nil, err
	}
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if _, err := output(ctx, nil, []string{python, "-c", "import deap"}); err == nil {
			return []string{python, file}, nil
		}
	}
	return nil, fmt.Errorf("DEAP is not installed: make peers")
}

// evolve runs a task and reads what the program prints.
func evolve(ctx context.Context, argv []string, t Task) (o Outcome, err error) {
	argv = append(argv, t.Problem, strconv.Itoa(t.Population), strconv.Itoa(t.Generations), strconv.Itoa(t.Seed), t.File)
	text, err := output(ctx, nil, argv)
	if err != nil {
		return o, err
	}
	head, rows, _ := strings.Cut(text, "\n")
	if _, err := fmt.Sscanf(head, "cpu_ns %d", &o.CPU); err != nil {
		return o, fmt.Errorf("%s printed %.100q: %w", argv[0], head, err)
	}
	for row := range strings.Lines(rows) {
		fields := strings.Fields(row)
		o.Width = len(fields)
		for _, field := range fields {
			v, err := strconv.ParseFloat(field, 64)
			if err != nil {
				return o, err
			}
			o.Points = append(o.Points, v)
		}
	}
	if o.Width == 0 || len(o.Points) != o.Width*t.Population {
		return o, fmt.Errorf("%s printed %d numbers for a population of %d", argv[0], len(o.Points), t.Population)
	}
	return o, nil
}

// output runs a program and returns what it prints; its complaints are part of the error.
func output(ctx context.Context, in *bytes.Buffer, argv []string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	if in != nil {
		cmd.Stdin = in
	}
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %.300s", filepath.Base(argv[0]), err, complaint.String())
	}
	return string(out), nil
}
