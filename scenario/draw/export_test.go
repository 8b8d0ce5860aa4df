package draw

// ReadValues is for fuzzing, which would make a file for each text otherwise.
var ReadValues = readValues
