package report

// ParseCapacity is what the fuzzer feeds.
var ParseCapacity = parseCapacity
