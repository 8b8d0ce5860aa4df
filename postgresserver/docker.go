package postgresserver

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/internal/container"
	"github.com/queuedyno/queuedyno/internal/postgres"
)

// DefaultImage is the image of the docker kind: what most production systems run.
const DefaultImage = "postgres:17-alpine"

// dockerNote is carried by every report on a container.
const dockerNote = "postgres ran in a Docker container, whose network and file system add latency: compare its figures only with others from a container"

// startTimeout bounds the wait for a server. It is long because a shared CI runner may
// stall for seconds.
const startTimeout = 2 * time.Minute

// startDocker starts a private container.
func startDocker(ctx context.Context, o Options) (*Server, error) {
	secret := rand.Text()
	var args []string
	for _, s := range o.Settings {
		args = append(args, "-c", s)
	}
	var version string
	c, err := container.Start(ctx, container.Spec{
		Server:        "postgres",
		Image:         cmp.Or(o.Image, o.Getenv("QUEUEDYNO_POSTGRES_IMAGE"), DefaultImage),
		ImageVariable: "QUEUEDYNO_POSTGRES_IMAGE",
		Instead:       "use --postgres process, or name the URL of a database",
		Port:          "5432/tcp",
		Args:          args,
		Env:           map[string]string{"POSTGRES_PASSWORD": secret, "POSTGRES_INITDB_ARGS": "--locale=C --encoding=UTF8"},
		Ready: func(ctx context.Context, address string) (lasting bool, err error) {
			ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
			defer cancel()
			version, err = postgres.Version(ctx, privateURL(address, secret))
			return slices.Contains([]string{"28P01", "28000", "3D000"}, postgres.Code(err)), err
		},
		ReadyTimeout: startTimeout,
		Log:          o.Log,
		Hide:         func(text string) string { return hideSecrets(text, o.Settings) },
	})
	if err != nil {
		return nil, err
	}
	return newServer(Server{
		kind:    Docker,
		url:     privateURL(c.Address(), secret),
		address: publicURL(c.Address()),
		version: version,
		note:    dockerNote,
	}, c.Close), nil
}
