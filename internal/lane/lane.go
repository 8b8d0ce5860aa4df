// Package lane numbers the queues and the channels of a backend that has several of
// them, from 0.
package lane

import "fmt"

// Check says which of the numbers no lane has, of n that are called what.
func Check(what string, numbers []int, n int) error {
	if len(numbers) == 0 {
		return fmt.Errorf("no %s is named; name one of 0 to %d", what, n-1)
	}
	for _, i := range numbers {
		if i < 0 || i >= n {
			return fmt.Errorf("no %s %d; there are 0 to %d", what, i, n-1)
		}
	}
	return nil
}

// All are the numbers of n lanes.
func All(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
