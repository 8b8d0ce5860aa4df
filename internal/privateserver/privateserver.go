// Package privateserver is what the private servers of a run have in common, whatever
// they serve: a process that ends with ours, its faults and its end, a temporary folder, a
// free port, and the end of a log.
//
// Begin reading at [Start].
package privateserver

import "errors"

// ErrNotPrivate is returned for a [Server] that is no private process.
var ErrNotPrivate = errors.New("the server is no private process")
