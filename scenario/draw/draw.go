// Package draw holds random quantities: how long a job's work takes, how large
// its payload is, whose it is.
//
// Each is plain data that text says and reads back, knows its own mean and
// bounds, and draws the same from the same seed. It knows no clock and no job:
// the caller says for which. Begin reading at [Duration], [Size] and
// [Choice].
package draw

import "math/bits"

// Streams of draws that have nothing to do with each other, nor with anything
// else that is seeded alike.
const (
	workStream   = 0x776f726b
	partStream   = 0x70617274
	sizeStream   = 0x73697a65
	choiceStream = 0x63686f69
)

// mix turns a counter into 64 random bits, by the finaliser of SplitMix64 once
// for the stream and once for the number in it. ~2 ns.
//
// Source: Steele, Lea and Flood, Fast splittable pseudorandom number
// generators, OOPSLA 2014, with the constants of D. Stafford's mixer 13.
func mix(seed, stream, n uint64) uint64 {
	const golden = 0x9e3779b97f4a7c15
	return scramble(scramble(seed+stream*golden) + (n+1)*golden)
}

func scramble(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// below maps 64 random bits to 0 … n-1, each as likely as the others to within
// n in 2^64.
func below(random, n uint64) uint64 {
	hi, _ := bits.Mul64(random, n)
	return hi
}

// unit maps 64 random bits to [0, 1).
func unit(random uint64) float64 { return float64(random>>11) / (1 << 53) }
