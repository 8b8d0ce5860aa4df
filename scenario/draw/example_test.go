package draw_test

import (
	"fmt"

	"github.com/queuedyno/queuedyno/scenario/draw"
)

func ExampleParseDuration() {
	work, err := draw.ParseDuration("lognormal(p50=5ms,p99=40ms)")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("mean %s, squared CV %.2f\n", work.Mean(), work.CV2())
	// Output: mean 7.455377ms, squared CV 1.22
}

func ExampleParseSize() {
	size, err := draw.ParseSize("90%:100,10%:64KiB")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: mean %.1f, at most %d bytes\n", size, size.Mean(), size.Max())
	// Output: 90%:100,10%:64KiB: mean 6643.6, at most 65536 bytes
}

func ExampleChoice() {
	tenants := draw.Choice{N: 100, Skew: 1}.Picker()
	jobs := make([]int, 100)
	for n := range int64(10_000) {
		jobs[tenants.At(42, n)]++
	}
	fmt.Println(jobs[0] > jobs[9], jobs[9] > jobs[99])
	// Output: true true
}
