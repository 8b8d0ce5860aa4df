package study

// LimitOf is what names the part that gave out.
var LimitOf = limitOf
