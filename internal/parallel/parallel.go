// Package parallel is for the tests of packages that wait for servers and processes
// more than they compute.
package parallel

import (
	"flag"
	"runtime"
	"strconv"
)

// AtLeast lets at least n parallel tests run at the same time. By default these are
// as many as there are CPUs, and on two CPUs two waiting tests hold up all others.
// TestMain calls it before it runs the tests; -parallel overrides it.
func AtLeast(n int) {
	if err := flag.Set("test.parallel", strconv.Itoa(max(n, runtime.GOMAXPROCS(0)))); err != nil {
		panic(err) // only outside a test
	}
}
