package postgresserver

import "golang.org/x/sys/unix"

// inMemory reports whether the files of a directory are in memory and on no disk.
func inMemory(dir string) bool {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return false
	}
	kind := uint32(fs.Type) // whose width differs between architectures
	return kind == unix.TMPFS_MAGIC || kind == unix.RAMFS_MAGIC
}
