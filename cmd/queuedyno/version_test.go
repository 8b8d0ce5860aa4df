package main

import (
	"runtime/debug"
	"testing"
)

func TestEveryWayToBuildSaysTheVersionAndTheCommit(t *testing.T) {
	t.Parallel()
	vcs := func(revision, modified string) []debug.BuildSetting {
		return []debug.BuildSetting{{Key: "vcs.revision", Value: revision}, {Key: "vcs.modified", Value: modified}}
	}
	for _, c := range []struct {
		what            string
		version         string
		settings        []debug.BuildSetting
		wantV, wantC    string
		wantResult      string
		withoutAnything bool
	}{
		{what: "a release, built in its repository", version: "v1.2.3", settings: vcs("0123456789abcdef", "false"), wantV: "v1.2.3", wantC: "0123456789abcdef"},
		{what: "a work tree with changes", version: "v1.2.4-0.20261129190000-0123456789ab+dirty", settings: vcs("0123456789abcdef", "true"), wantV: "v1.2.4-0.20261129190000-0123456789ab+dirty", wantC: "0123456789abcdef", wantResult: "0123456789abcdef+modified"},
		{what: "go install of a tag", version: "v1.2.3", wantV: "v1.2.3", wantC: "v1.2.3"},
		{what: "go install of a commit after a tag", version: "v1.2.4-0.20261129190000-0123456789ab", wantV: "v1.2.4-0.20261129190000-0123456789ab", wantC: "0123456789ab"},
		{what: "go install of a commit before any tag", version: "v0.0.0-20261129190000-0123456789ab", wantV: "v0.0.0-20261129190000-0123456789ab", wantC: "0123456789ab"},
		{what: "a build without version control", version: "(devel)", wantV: "(devel)", wantC: "unknown"},
		{what: "a binary without information", withoutAnything: true, wantV: "unknown", wantC: "unknown"},
	} {
		info := &debug.BuildInfo{Main: debug.Module{Version: c.version}, Settings: c.settings}
		if c.withoutAnything {
			info = nil
		}
		got := versionOf(info)
		if got.Version != c.wantV || got.Commit != c.wantC {
			t.Errorf("%s: version %s, commit %s; want %s, %s", c.what, got.Version, got.Commit, c.wantV, c.wantC)
		}
		if want := c.wantResult; want != "" && got.tool().Commit != want {
			t.Errorf("%s: a result has commit %s, want %s", c.what, got.tool().Commit, want)
		}
	}
}
