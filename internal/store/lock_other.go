//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package store

import "os"

// locks is whether the end of a process unlocks its files on this system.
const locks = false

func lockFile(*os.File, bool) error { return errNoLocks }
