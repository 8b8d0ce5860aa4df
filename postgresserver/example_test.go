package postgresserver_test

import (
	"context"
	"fmt"

	"github.com/queuedyno/queuedyno/postgresserver"
)

// A private server commits as Postgres does by default. Settings change that.
func ExampleStart() {
	ctx := context.Background()
	s, err := postgresserver.Start(ctx, postgresserver.Options{Settings: []string{"shared_buffers=256MB", "max_connections=300"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	fmt.Println("postgres", s.Version(), "at", s.Address())
	// Connect with s.URL(), which holds the password.
}

// A password never reaches an error.
func ExampleStart_wrongURL() {
	_, err := postgresserver.Start(context.Background(), postgresserver.Options{Source: "postgres://app:hunter2@db:99999/jobs"})
	fmt.Println(err)
	// Output:
	// postgres URL "postgres://app:***@db:99999/jobs": the port must be a number from 1 to 65535; write it as in postgres://user:password@localhost:5432/database
}
