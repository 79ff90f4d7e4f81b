package db

import (
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite", without cgo

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// FileName is the name of the embedded database's file inside the data folder.
const FileName = "fog.db"

const sqliteReaders = 6 // connections of the read pool; readers never wait for the writer

// openSQLite makes the file and its pools.
//
// The write-ahead log lets readers and the one writer go on side by side; synchronous=FULL makes each commit survive a loss of
// power; transactions of the writer begin with the lock in hand, because one that starts reading and upgrades later can
// fail at once with no waiting at all.
func openSQLite(dataDir string) (*DB, error) {
	if dataDir == "" {
		return nil, fault.Field("db.open", "DataDir", "must name a folder when there is no DatabaseURL")
	}
	path, err := filepath.Abs(filepath.Join(dataDir, FileName))
	if err != nil {
		return nil, fault.Wrap("db.open", err)
	}
	if err := makePrivate(path); err != nil {
		return nil, unavailable("db.open", err)
	}
	write, err := sql.Open("sqlite", sqliteAddress(path, url.Values{
		"_txlock": {"immediate"},
		"_pragma": {
			"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
			"journal_size_limit(67108864)", // a burst's log does not keep its size for ever
			"cache_size(-32768)",           // KiB: rows that are spread over large indexes are changed without reading pages again
			"wal_autocheckpoint(8192)",     // pages: what busy commits change again and again is copied into the file once in 32 MiB
		},
	}))
	if err != nil {
		return nil, unavailable("db.open", err)
	}
	read, err := sql.Open("sqlite", sqliteAddress(path, url.Values{
		"_pragma": {"busy_timeout(5000)", "query_only(1)"},
	}))
	if err != nil {
		return nil, unavailable("db.open", err)
	}
	write.SetMaxOpenConns(1)
	read.SetMaxOpenConns(sqliteReaders)
	read.SetMaxIdleConns(sqliteReaders)
	return &DB{Write: newBun(write, SQLite), Read: newBun(read, SQLite), Dialect: SQLite, owned: true}, nil
}

// sqliteAddress writes a path and its settings as a URI, so that no character of the path is taken for a setting.
func sqliteAddress(path string, settings url.Values) string {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: settings.Encode()}
	return u.String()
}

// makePrivate makes the folder and the file, if they are missing, for this user alone. SQLite gives the files of its log
// the mode of the database. A file that exists is not opened: closing it would drop the locks that SQLite holds on it in
// this process (sqlite.org/howtocorrupt.html, 2.2).
func makePrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}
