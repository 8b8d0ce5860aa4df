package scenario

var ParseFault = parseFault
