package redisserver

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"slices"

	"github.com/queuedyno/queuedyno/internal/container"
	"github.com/queuedyno/queuedyno/internal/serverstart"
)

// DefaultImage is the image of the docker kind: what most production systems
// run.
const DefaultImage = "redis:7-alpine"

// dockerNote is carried by every report on a container.
const dockerNote = "redis ran in a Docker container, whose network adds latency: compare its figures only with others from a container"

// startDocker starts a private container.
func startDocker(ctx context.Context, o Options) (*Server, error) {
	if isOn(o.Args, "cluster-enabled") {
		return nil, serverstart.Usagef("redis-server argument \"--cluster-enabled\": the nodes of a cluster in a container cannot be reached by the addresses that they name; use --redis process, or name the URL of a cluster")
	}
	// A Redis without a password that is published to the network is found and abused
	// within minutes.
	args := slices.Concat([]string{"--save", "", "--appendonly", "no", "--requirepass", rand.Text()}, o.Args,
		[]string{"--daemonize", "no", "--supervised", "no"})
	secret := password(args)
	c, err := container.Start(ctx, container.Spec{
		Server:        "redis",
		Image:         cmp.Or(o.Image, o.Getenv("QUEUEDYNO_IMAGE"), DefaultImage),
		ImageVariable: "QUEUEDYNO_IMAGE",
		Instead:       "use --redis process or --redis embedded",
		Port:          "6379/tcp",
		Args:          args,
		Ready: func(ctx context.Context, address string) (lasting bool, err error) {
			a, err := probe(ctx, address, secret)
			if err == nil && a.loading {
				return false, errors.New("it still loads its data set")
			}
			return isLasting(err), explainRefusal(err)
		},
		ReadyTimeout: startTimeout,
		Log:          o.Log,
		Hide:         func(text string) string { return hideSecrets(text, args) },
	})
	if err != nil {
		return nil, err
	}
	return newServer(Server{
		kind:    Docker,
		url:     serverURL(c.Address(), secret),
		address: serverURL(c.Address(), ""),
		note:    dockerNote,
	}, c.Close), nil
}
