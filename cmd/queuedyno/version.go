package main

import (
	"context"
	"fmt"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/result"
)

// version says which build this is.
type version struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

// build reads what the Go tool wrote into the binary.
func build() version {
	info, _ := debug.ReadBuildInfo()
	return versionOf(info)
}

// pseudo is the end of a version that the Go tool made of a commit: its time and the
// beginning of its hash.
var pseudo = regexp.MustCompile(`[-.]\d{14}-([0-9a-f]{12})(?:\+.*)?$`)

// versionOf is the version that a binary says of itself. What "go install" downloads has
// no history: there the commit is the hash in the version, or the tag, which Git
// resolves to a commit. Where nothing is known, as in tests and in builds without version
// control, the word is "unknown". A nil info says nothing.
func versionOf(info *debug.BuildInfo) version {
	v := version{Version: "unknown", Commit: "unknown", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if info == nil {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	if m := pseudo.FindStringSubmatch(v.Version); m != nil {
		v.Commit = m[1]
	} else if strings.HasPrefix(v.Version, "v") {
		v.Commit, _, _ = strings.Cut(v.Version, "+")
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

func (v version) String() string {
	commit := v.Commit
	if v.Modified {
		commit += ", modified"
	}
	return fmt.Sprintf("queuedyno %s (commit %s) %s %s/%s", v.Version, commit, v.Go, v.OS, v.Arch)
}

// tool is the version as results carry it.
func (v version) tool() result.Tool {
	commit := v.Commit
	if v.Modified {
		commit += "+modified"
	}
	return result.Tool{Version: v.Version, Commit: commit, Go: v.Go}
}

func (p *program) versionVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say which build this is",
		Long:  "Print the version, the commit it was built from, the Go version and the platform.",
		Args:  noArgs,
	}
	f := p.flagsOf(cmd)
	var asJSON bool
	f.Group("Output")
	f.Switch(&asJSON, "json", "", "print JSON")
	cmd.RunE = p.verb(func(context.Context, []string) error {
		if err := problem.Usage(f.Problems...); err != nil {
			return err
		}
		if asJSON {
			return console.WriteJSON(p.stdout, build())
		}
		_, err := fmt.Fprintln(p.stdout, build())
		return err
	})
	return cmd
}
