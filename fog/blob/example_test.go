package blob_test

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/fogcompute/fogcompute/fog/blob"
)

func Example() {
	ctx := context.Background()
	store, err := blob.New(blob.Config{}) // in memory and a temporary folder
	if err != nil {
		panic(err)
	}
	defer func() { _ = store.Close() }()

	digest := blob.DigestOf([]byte("hello"))
	info, err := store.Put(ctx, digest, strings.NewReader("hello"), 5)
	if err != nil {
		panic(err)
	}
	fmt.Println(info.Bytes, "bytes owned by", info.Owner)

	r, _, err := store.Get(ctx, digest)
	if err != nil {
		panic(err)
	}
	data, _ := io.ReadAll(r)
	_ = r.Close()
	fmt.Printf("%s\n", data)

	_, err = store.Put(ctx, digest, strings.NewReader("jello"), 5)
	fmt.Println(err)
	// Output:
	// 5 bytes owned by operator
	// hello
	// blob.put: sha256: the bytes do not have this digest
}
