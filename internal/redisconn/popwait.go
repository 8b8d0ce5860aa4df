package redisconn

import "time"

// PopWait is how long each of so many consumers waits for a job in one Pop. A
// connection on which the answer takes longer than the idle limit of a proxy is
// closed or dropped in between, and a job that is given to it is lost. So a Pop is
// short, unless there are so many consumers that the server would feel their asking.
func PopWait(consumers int) time.Duration {
	return min(max(time.Second, time.Duration(consumers)*time.Millisecond), 5*time.Second)
}
