package fog_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReadmeProgram: the program that the README shows is the one that is
// built and run.
func TestReadmeProgram(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	program, err := os.ReadFile("../examples/embed/main.go")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(readme), "```go\nfunc main() {")
	require.True(t, found)
	shown, _, _ := strings.Cut(rest, "```")
	require.Contains(t, string(program), "func main() {"+shown)
}
