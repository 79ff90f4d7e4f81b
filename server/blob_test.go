package server_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/server"
)

func digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

func TestBlobsAreStoredFetchedAndResumed(t *testing.T) {
	a := newAPI(t, server.Config{})
	content := strings.Repeat("0123456789", 1000)
	path := "/api/blobs/" + digest(content)
	for range 2 { // again changes nothing
		got := a.ok("PUT", path, content, "Content-Type", "application/wasm")
		assert.Equal(t, digest(content), got["sha256"])
		assert.EqualValues(t, len(content), got["bytes"])
	}

	got := a.do("GET", path, "")
	assert.Equal(t, content, got.body)
	assert.Equal(t, `"`+digest(content)+`"`, got.header.Get("ETag"))
	assert.Equal(t, "application/octet-stream", got.header.Get("Content-Type"))
	assert.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"))

	got = a.do("HEAD", path, "")
	assert.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, "10000", got.header.Get("Content-Length"))
	assert.Empty(t, got.body)

	got = a.do("GET", path, "", "Range", "bytes=9995-")
	assert.Equal(t, http.StatusPartialContent, got.status)
	assert.Equal(t, "56789", got.body)
	assert.Equal(t, "bytes 9995-9999/10000", got.header.Get("Content-Range"))

	got = a.do("GET", path, "", "Range", "bytes=0-1", "If-Range", `"other"`)
	assert.Equal(t, http.StatusOK, got.status, "the whole content, because it is another one")

	a.do("GET", path, "", "Range", "bytes=10000-").problem(t, http.StatusRequestedRangeNotSatisfiable)
	assert.Equal(t, http.StatusNotModified, a.do("GET", path, "", "If-None-Match", `"`+digest(content)+`"`).status)
}

func TestBlobLimits(t *testing.T) {
	h := house(t, fog.Config{Blob: blob.Config{MaxBytes: 100, Quota: 150}})
	s, err := server.New(h, server.Config{})
	require.NoError(t, err)
	a := &api{t, s.Handler(), h}
	first, second, large := strings.Repeat("a", 90), strings.Repeat("b", 90), strings.Repeat("c", 101)
	a.ok("PUT", "/api/blobs/"+digest(first), first)
	a.refused(http.StatusRequestEntityTooLarge, "PUT", "/api/blobs/"+digest(second), second)
	a.refused(http.StatusRequestEntityTooLarge, "PUT", "/api/blobs/"+digest(large), large)

	r := httptest.NewRequestWithContext(t.Context(), "PUT", "/api/blobs/"+digest(large), strings.NewReader(large))
	r.ContentLength = -1 // the size is not announced
	a.send(r, "Host", "localhost").problem(t, http.StatusRequestEntityTooLarge)
	a.refused(http.StatusNotFound, "GET", "/api/blobs/"+digest(large), "")
}

func TestBlobOfOtherBytesIsNotKept(t *testing.T) {
	a := newAPI(t, server.Config{})
	name := "/api/blobs/" + digest("these")
	a.refused(http.StatusUnprocessableEntity, "PUT", name, "those")
	a.refused(http.StatusNotFound, "GET", name, "")
}

func TestBlobNamesStayInTheirFolder(t *testing.T) {
	a := newAPI(t, server.Config{})
	for _, name := range []string{
		"..", ".", "%2e%2e", "..%2fx", "..%5cx", "%00", strings.Repeat("a", 63) + "%2f", strings.Repeat("a", 65), "a/../" + emptyDigest,
		emptyDigest + "%00", "%2fetc%2fpasswd", strings.Repeat("a", 4096),
	} {
		for _, method := range []string{"GET", "HEAD", "PUT"} {
			got := a.do(method, "/api/blobs/"+name, "")
			assert.GreaterOrEqual(t, got.status, 400, "%s %s", method, name)
			assert.Less(t, got.status, 500, "%s %s", method, name)
		}
	}
}
