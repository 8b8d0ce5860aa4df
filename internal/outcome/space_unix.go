//go:build linux || darwin || freebsd

package outcome

import "golang.org/x/sys/unix"

// freeSpace is how many bytes the disk of a directory has left for this user. Some
// file systems do not say.
func freeSpace(dir string) (bytes float64, known bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil || s.Blocks == 0 {
		return 0, false
	}
	return float64(s.Bavail) * float64(s.Bsize), true
}
