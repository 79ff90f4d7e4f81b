package server

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
)

// webFiles are the pages, their own scripts and styles, and the third-party files with their licences.
//
//go:embed web/pages web/app web/third_party/*/*
var webFiles embed.FS

// assets are the files behind /assets. The folder in their address changes whenever their content does, so browsers
// keep them for a year.
type assets struct {
	own   string            // folder of our own files
	files map[string]*asset // by path below /assets/
}

// asset is one file. Third-party scripts are embedded compressed, our own are compressed when they are first asked for.
type asset struct {
	file    string // in webFiles
	kind    string // media type
	tag     string // ETag
	packed  bool   // file is compressed
	deflate func() []byte
}

// loadAssets lists the embedded files.
func loadAssets() *assets {
	a := &assets{own: digestOf("web/app"), files: map[string]*asset{}}
	for _, file := range embedded("web/app") {
		a.add(a.own+strings.TrimPrefix(file, "web/app"), file)
	}
	for _, file := range embedded("web/third_party") {
		a.add(strings.TrimSuffix(strings.TrimPrefix(file, "web/third_party/"), ".gz"), file)
	}
	return a
}

// embedded returns the files below an embedded folder.
func embedded(folder string) []string {
	var files []string
	err := fs.WalkDir(webFiles, folder, func(file string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, file)
		}
		return err
	})
	if err != nil { // the compiler checked that they exist
		panic("server: embedded files: " + err.Error())
	}
	return files
}

func (a *assets) add(address, file string) {
	f := &asset{file: file, packed: strings.HasSuffix(file, ".gz"), tag: strconv.Quote(path.Dir(address)), kind: mediaType(address)}
	f.deflate = sync.OnceValue(f.compress)
	a.files[address] = f
}

// mediaType does not ask the operating system, whose answers differ.
func mediaType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return "text/plain; charset=utf-8"
	}
}

// digestOf returns a short digest of the names and contents of all files in an embedded folder.
func digestOf(folder string) string {
	sum := sha256.New()
	for _, file := range embedded(folder) {
		content := (&asset{file: file}).raw()
		fmt.Fprintf(sum, "%s %d\n", file, len(content))
		sum.Write(content)
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}

// folder returns the address of a third-party package by its name, whatever its version.
func (a *assets) folder(name string) string {
	for address := range a.files {
		if dir := path.Dir(address); strings.HasPrefix(dir, name+"-") {
			return "/assets/" + dir
		}
	}
	return ""
}

// serve answers a request for one file.
func (a *assets) serve(c *gin.Context) {
	f, ok := a.files[strings.TrimPrefix(c.Param("path"), "/")]
	if !ok {
		unknownRoute(c)
		return
	}
	h := c.Writer.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", f.tag)
	if c.GetHeader("If-None-Match") == f.tag {
		c.Status(http.StatusNotModified)
		return
	}
	if !takesGzip(c.GetHeader("Accept-Encoding")) {
		c.Data(http.StatusOK, f.kind, f.plain())
		return
	}
	h.Set("Content-Encoding", "gzip")
	c.Data(http.StatusOK, f.kind, f.gzipped())
}

// gzipped returns the compressed content.
func (f *asset) gzipped() []byte {
	if f.packed {
		return f.raw()
	}
	return f.deflate()
}

// plain returns the content as it was written.
func (f *asset) plain() []byte {
	if !f.packed {
		return f.raw()
	}
	r, err := gzip.NewReader(bytes.NewReader(f.raw()))
	if err != nil {
		panic("server: embedded file " + f.file + " is damaged")
	}
	content, err := io.ReadAll(r)
	if err != nil {
		panic("server: embedded file " + f.file + " is damaged")
	}
	return content
}

// raw returns the embedded bytes.
func (f *asset) raw() []byte {
	content, err := webFiles.ReadFile(f.file)
	if err != nil {
		panic("server: embedded file " + f.file + " is missing")
	}
	return content
}

func (f *asset) compress() []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(f.raw()) // a buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

// takesGzip reads the header Accept-Encoding.
func takesGzip(accept string) bool {
	for _, part := range strings.Split(accept, ",") {
		coding, params, err := mime.ParseMediaType("x/" + strings.TrimSpace(part))
		if err == nil && (coding == "x/gzip" || coding == "x/*") {
			q, err := strconv.ParseFloat(params["q"], 64)
			return err != nil || q > 0
		}
	}
	return false
}
