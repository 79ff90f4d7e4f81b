//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package fog

// lockFolder does nothing where the system has no advisory locks of the Unix
// kind: there, whoever starts two servers on one data folder is not stopped.
func lockFolder(string) (unlock func() error, err error) {
	return func() error { return nil }, nil
}
