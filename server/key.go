package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// operatorKeyFile holds the hash of the operator's key, in the data folder.
const operatorKeyFile = "operator.key.sha256"

// OperatorKey returns the hash of the operator's key that is stored in dir. At first start it makes a key, stores
// its hash and returns the key itself as well, this once: the caller shows it to the operator. To replace a lost key,
// remove the file.
func OperatorKey(dir string) (hash KeyHash, fresh string, err error) {
	name := filepath.Join(dir, operatorKeyFile)
	text, err := os.ReadFile(name)
	if err == nil {
		hash, err = ParseKeyHash(string(text))
		if err != nil {
			return hash, "", fmt.Errorf("server: %s is damaged; remove it to get a new key: %w", name, err)
		}
		return hash, "", nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return hash, "", fmt.Errorf("server: operator key: %w", err)
	}
	fresh = NewKey()
	hash = HashKey(fresh)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return hash, "", fmt.Errorf("server: operator key: %w", err)
	}
	if err := writePrivate(name, []byte(hash.String()+"\n")); err != nil {
		return hash, "", fmt.Errorf("server: operator key: %w", err)
	}
	return hash, fresh, nil
}
