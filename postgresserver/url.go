package postgresserver

import (
	"context"
	"net"
	"net/url"

	"github.com/queuedyno/queuedyno/internal/postgres"
	"github.com/queuedyno/queuedyno/internal/serverstart"
)

// startURL checks that the database answers.
func startURL(ctx context.Context, o Options) (*Server, error) {
	address, err := postgres.Address(o.Source)
	if err != nil {
		return nil, serverstart.Usagef("%w", err)
	}
	if len(o.Settings) > 0 {
		return nil, serverstart.Usagef("postgres at %s: settings cannot be given to a server that already runs; use --postgres process or --postgres docker", address)
	}
	version, err := postgres.Version(ctx, o.Source)
	if err != nil {
		return nil, err
	}
	return newServer(Server{kind: URL, url: o.Source, address: address, version: version}, func() error { return nil }), nil
}

// The user and the database of a private server: what initdb makes.
const (
	owner    = "postgres"
	database = "postgres"
)

// privateURL is the URL of a private server at an address.
func privateURL(address, password string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(owner, password), Host: address, Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// publicURL is that without password.
func publicURL(address string) string { return "postgres://" + address + "/" + database }

// loopback is the address of a port of this machine.
func loopback(port string) string { return net.JoinHostPort("127.0.0.1", port) }
