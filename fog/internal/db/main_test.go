package db_test

import (
	"flag"
	"os"
	"testing"

	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
)

func TestMain(m *testing.M) {
	// Each step of the models is a transaction here. The command line still overrides this.
	if err := flag.Set("rapid.checks", "30"); err != nil {
		panic(err)
	}
	os.Exit(dbtest.Main(m))
}
