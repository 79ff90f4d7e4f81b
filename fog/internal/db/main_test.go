package db_test

import (
	"os"
	"testing"

	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }
