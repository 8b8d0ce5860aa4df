package redisserver_test

import (
	"context"
	"fmt"

	"github.com/queuedyno/queuedyno/redisserver"
)

func ExampleStart() {
	s, err := redisserver.Start(context.Background(), redisserver.Options{Source: "embedded"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	fmt.Println(s.Kind())
	fmt.Println(s.Note())
	// Output:
	// embedded
	// the embedded server shares this process and its CPU: its figures are for trying things out, not for planning
}

// A password never reaches an error.
func ExampleStart_wrongURL() {
	_, err := redisserver.Start(context.Background(), redisserver.Options{Source: "redis://app:hunter2@cache:99999/0"})
	fmt.Println(err)
	// Output:
	// redis URL "redis://app:***@cache:99999/0": the port must be a number from 1 to 65535; write it as in redis://user:password@localhost:6379/0
}
