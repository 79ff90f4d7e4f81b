package blob_test

import (
	"testing"

	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/blob/blobtest"
)

func TestMemoryConformance(t *testing.T) {
	blobtest.Run(t, func(*testing.T) blob.Index { return blob.NewMemory() })
}
