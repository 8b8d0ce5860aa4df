//go:build !unix

package redisconn

// FileLimit knows no limit where none is set.
func FileLimit() (connections int64, known bool) { return 0, false }

// CheckFiles has nothing to ask where no limit of open files is set.
func CheckFiles(int) error { return nil }
