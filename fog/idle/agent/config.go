package agent

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/sensor"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Config says whom an agent serves and with what. Only Server is required.
type Config struct {
	Server string // URL of the server, http or https
	Key    string // bearer key; empty: none, which a server takes on loopback only
	CA     string // file with certificates (PEM) that the server's own must be signed by; empty: those of the system

	ID     string            // of the device; empty: made once and kept in DataDir
	Name   string            // for people; empty: the ID
	Type   idle.DeviceType   // empty: server, a machine without a person in front of it
	Owner  string            // account that is paid; empty: the device's own, "device:<id>"
	Labels map[string]string // free
	Policy *idle.Policy      // when the device may be harvested; nil: the default of its type

	Capacity Capacity // what the device lends; zero fields: all that it has

	DataDir    string // private folder; empty: a folder of its own under the user's cache folder
	CacheBytes int64  // modules and inputs kept in DataDir; 0: 1 GiB

	Cores      int           // of the machine, which the policy's shares refer to; 0: as many as there are
	Sense      time.Duration // how often the sensor is read; 0: 1 s
	Wait       time.Duration // longest long poll; 0: 20 s
	MaxHeld    int           // attempts held at once, whether they run, wait or are being reported; 0: 64
	MaxRuns    int           // guests that run at once; 0: four for each core lent
	MaxPause   time.Duration // a device that may not be harvested for so long gives its attempts back; the policy's patience goes before it; 0: 10 min
	Persist    time.Duration // for how long the delivery of a result is tried, by this run of the agent and the next ones; 0: 24 h
	Foreground bool          // guests run at normal priority and not only while nobody else wants the CPU

	Sensor   sensor.Sensor        // nil: this machine's
	Executor Executor             // runs guests; nil: worker processes of this program, whose main function calls worker.Main first
	HTTP     http.RoundTripper    // nil: one with CA and sensible bounds
	Now      func() time.Time     // nil: time.Now
	Clocks   func() sensor.Moment // to notice sleep and a clock that is set; nil: this machine's
	Logger   *slog.Logger         // nil: none
}

// Capacity is what a device lends.
type Capacity struct {
	MilliCPU int64 // thousandths of a core, 1000 to 128,000
	MemoryMB int64 // MiB, 512 to 524,288
	MilliGPU int64 // thousandths of a GPU; there is no executor for it yet
}

// Run serves with a new agent until ctx ends: the short form of New and Agent.Run.
func Run(ctx context.Context, cfg Config) error {
	a, err := New(cfg)
	if err != nil {
		return err
	}
	return a.Run(ctx)
}

// withDefaults fills in what zero values stand for and validates the rest.
func (c Config) withDefaults() (Config, error) {
	const op = "agent.config"
	u, err := url.Parse(c.Server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return c, fault.Field(op, "Server", "must be an http or https URL")
	}
	c.Server = strings.TrimRight(c.Server, "/")
	if c.Sense < 0 || c.Wait < 0 || c.MaxHeld < 0 || c.MaxRuns < 0 || c.MaxPause < 0 || c.Persist < 0 || c.Cores < 0 || c.CacheBytes < 0 {
		return c, fault.Field(op, "Config", "no number may be negative")
	}
	if c.MaxHeld > 1024 {
		return c, fault.Field(op, "MaxHeld", "must be at most 1024")
	}
	if c.Type == "" {
		c.Type = idle.Server
	}
	if c.Type, err = idle.ParseType(string(c.Type)); err != nil {
		return c, err
	}
	if c.Policy == nil {
		policy := idle.DefaultPolicy(c.Type)
		c.Policy = &policy
	}
	if err := c.Policy.Validate(); err != nil {
		return c, err
	}
	fill(&c.CacheBytes, 1<<30)
	fill(&c.Cores, runtime.NumCPU())
	fill(&c.Sense, time.Second)
	fill(&c.Wait, 20*time.Second)
	fill(&c.MaxHeld, 64)
	if c.Policy.PatienceSeconds > 0 {
		c.MaxPause = time.Duration(c.Policy.PatienceSeconds * float64(time.Second))
	}
	fill(&c.MaxPause, 10*time.Minute)
	fill(&c.Persist, 24*time.Hour)
	fill(&c.Capacity.MilliCPU, int64(min(runtime.NumCPU(), 128))*1000)
	fill(&c.MaxRuns, int(4*max(1, c.Capacity.MilliCPU/1000)))
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Clocks == nil {
		c.Clocks = sensor.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// fill replaces a zero value.
func fill[T comparable](v *T, instead T) {
	var zero T
	if *v == zero {
		*v = instead
	}
}

// dataFolder returns the path of the agent's folder.
func dataFolder(dir, id string) (string, error) {
	if dir == "" {
		caches, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("agent: data folder: %w", err)
		}
		name := "agent"
		if id != "" {
			name += "-" + fileName(id)
		}
		dir = filepath.Join(caches, "fogcompute", name)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("agent: data folder: %w", err)
	}
	return dir, nil
}

// prepareDir makes the agent's folder and returns its path.
func prepareDir(dir, id string) (string, error) {
	dir, err := dataFolder(dir, id)
	if err != nil {
		return "", err
	}
	for _, folder := range []string{dir, filepath.Join(dir, "blobs"), filepath.Join(dir, "worker"), filepath.Join(dir, outboxDir)} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return "", fmt.Errorf("agent: data folder: %w", err)
		}
	}
	return dir, nil
}

// fileName turns an identifier into the name of a folder.
func fileName(id string) string {
	return strings.Map(func(r rune) rune {
		if r == '.' || r == ':' || r == '/' || r == '\\' {
			return '_'
		}
		return r
	}, id)
}

// deviceID returns the identifier kept in a folder, which is made of the host's name and some randomness at first.
func deviceID(dir string) (string, error) {
	name := filepath.Join(dir, "id")
	text, err := os.ReadFile(name)
	if err == nil && len(text) > 0 {
		return strings.TrimSpace(string(text)), nil
	}
	host, _ := os.Hostname() // without one the randomness has to do
	host = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, host)
	made, err := random(4)
	if err != nil {
		return "", err
	}
	id := host[:min(len(host), 64)] + "-" + made
	if err := os.WriteFile(name, []byte(id+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("agent: identifier: %w", err)
	}
	return id, nil
}

// random returns n random bytes in hex.
func random(n int) (string, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(rand.Reader, b); err != nil {
		return "", fmt.Errorf("agent: randomness: %w", err)
	}
	return hex.EncodeToString(b), nil
}
