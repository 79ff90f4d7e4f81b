package guest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/guest"
)

// TestRebuild holds the promise that the committed module is what its source says.
func TestRebuild(t *testing.T) {
	t.Parallel()
	clang, err := exec.LookPath("clang")
	if _, sysroot := os.Stat("/usr/include/wasm32-wasi"); err != nil || sysroot != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("clang, lld, wasi-libc and libclang-rt-dev-wasm32 are needed to rebuild the guest")
		}
		t.Skip("install clang, lld, wasi-libc and libclang-rt-dev-wasm32 to rebuild the guest")
	}
	version, err := exec.CommandContext(t.Context(), clang, "--version").Output()
	require.NoError(t, err)
	if !strings.Contains(string(version), "clang version 14.") {
		t.Skipf("the module was built by clang 14, this is %.40s", version)
	}
	dir := t.TempDir() // another place than the repository: no path may get into the module
	require.NoError(t, os.Mkdir(filepath.Join(dir, "c"), 0o700))
	for _, name := range []string{"c/mandelbrot.c", "Makefile"} {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	out, err := exec.CommandContext(t.Context(), "make", "-C", dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
	built, err := os.ReadFile(filepath.Join(dir, "mandelbrot.wasm"))
	require.NoError(t, err)
	require.True(t, string(built) == string(guest.Mandelbrot()), "run `make -C fog/guest` and commit the module")
}

func TestSplitCovers(t *testing.T) {
	t.Parallel()
	whole := guest.Whole(101, 67)
	whole.MaxIter = 60
	picture, _ := whole.Render()
	header := len("P5\n101 67\n255\n")
	joined := make([]byte, 101*67)
	for _, tile := range whole.Split(8, 5) {
		require.NoError(t, tile.Validate())
		pgm, _ := tile.Render()
		points := pgm[len(pgm)-tile.W*tile.H:]
		for j := range tile.H {
			copy(joined[(tile.Y+j)*101+tile.X:], points[j*tile.W:(j+1)*tile.W])
		}
	}
	require.Equal(t, picture[header:], joined)
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*guest.Tile){
		"zero":       func(t *guest.Tile) { *t = guest.Tile{} },
		"outside":    func(t *guest.Tile) { t.X = 1 },
		"negative":   func(t *guest.Tile) { t.Y = -1 },
		"huge":       func(t *guest.Tile) { t.Width, t.Height, t.W, t.H = 65536, 65536, 65536, 65536 },
		"iterations": func(t *guest.Tile) { t.MaxIter = 1_000_001 },
		"far":        func(t *guest.Tile) { t.CX = 1001 },
		"not finite": func(t *guest.Tile) { t.Scale = math.NaN() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tile := guest.Whole(64, 64)
			require.NoError(t, tile.Validate())
			spoil(&tile)
			require.Error(t, tile.Validate())
		})
	}
}

func ExampleTile_Render() {
	tile := guest.Whole(16, 16)
	pgm, summary := tile.Render()
	fmt.Printf("%d bytes\n%s%v\n", len(pgm), summary, tile.Args())
	// Output:
	// 269 bytes
	// tile 0 0 16 16 iterations 26313
	// [16 16 0 0 16 16 500 -0.5 0 3]
}

// TestDigest holds the written digest to the module.
func TestDigest(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256(guest.Mandelbrot())
	require.Equal(t, hex.EncodeToString(sum[:]), guest.Digest(), "write the new digest into tile.go")
}
