//go:build !(linux || darwin || freebsd)

package outcome

// freeSpace is not known here.
func freeSpace(string) (bytes float64, known bool) { return 0, false }
