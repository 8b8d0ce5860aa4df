// Package privateserver is what the private servers of a run have in common, whatever
// they serve: a process that ends with ours, a temporary folder, a free port, and the
// end of a log.
//
// Begin reading at [Run].
package privateserver
