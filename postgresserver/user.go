//go:build unix

package postgresserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/queuedyno/queuedyno/internal/privateserver"
	"github.com/queuedyno/queuedyno/internal/serverstart"
)

// identity is the user that a private server runs as.
type identity struct {
	name string
	// credential is nil for the user of this process.
	credential *syscall.Credential
}

// serverUser is the user of this process, or, because Postgres refuses to run as root,
// the first of the named users that exists.
func serverUser(uid int, names ...string) (identity, error) {
	if uid != 0 {
		return identity{}, nil
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
		if errUID == nil && errGID == nil && uid != 0 {
			return identity{name, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
		}
	}
	return identity{}, serverstart.Unavailable(fmt.Errorf("postgres does not run as root, and there is no user %s", strings.Join(names, " or ")),
		`create one with "useradd --system postgres", run queuedyno as another user, or use --postgres docker`)
}

// own gives a file to the user.
func (id identity) own(path string) error {
	if id.credential == nil {
		return nil
	}
	return os.Chown(path, int(id.credential.Uid), int(id.credential.Gid))
}

// as is whose rights an error is about.
func (id identity) as() string {
	if id.credential == nil {
		return ""
	}
	return fmt.Sprintf(" as user %q", id.name)
}

// check runs "postgres --version" as the user in a directory, which fails where either
// is out of the user's reach.
func (id identity) check(binary, dir string) error {
	cmd := exec.Command(binary, "--version")
	cmd.Dir, cmd.Env = dir, environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: id.credential}
	out, err := cmd.CombinedOutput()
	if said := privateserver.LastLines(string(out)); err != nil && len(out) > 0 {
		return fmt.Errorf("%w: %s", err, said)
	}
	return err
}

// folder makes a folder that the user owns and reaches, in the first of the directories
// where that works. A directory may be closed to the user: a TMPDIR below /root is.
func (id identity) folder(binary string, parents []string) (string, error) {
	if err := id.check(binary, "/"); err != nil {
		return "", serverstart.Unavailable(fmt.Errorf("run %q%s: %w", binary, id.as(), err),
			"let that user read and run it, or use --postgres docker")
	}
	var all []error
	for _, parent := range parents {
		dir, err := privateserver.Folder(parent, "postgres")
		if err != nil {
			all = append(all, err)
			continue
		}
		if err = id.own(dir); err == nil {
			err = id.check(binary, dir)
		}
		if err == nil {
			return dir, nil
		}
		all = append(all, fmt.Errorf("use %s%s: %w", parent, id.as(), err), os.RemoveAll(dir))
	}
	return "", serverstart.Unavailable(fmt.Errorf("make a folder for postgres: %w", errors.Join(all...)),
		"set TMPDIR to a directory that this user may write to and reach, or use --postgres docker")
}

// parents are the directories that may hold the folder of a server, in order: that of
// the user, and otherwise first those that are on a disk, because commits are measured.
func parents(getenv func(string) string, inMemory func(string) bool) []string {
	dirs := slices.Compact([]string{os.TempDir(), "/tmp", "/var/tmp"})
	if getenv("TMPDIR") != "" {
		return dirs
	}
	memory := slices.DeleteFunc(slices.Clone(dirs), func(dir string) bool { return !inMemory(dir) })
	return append(slices.DeleteFunc(dirs, inMemory), memory...)
}

// environment is that of a private server: the user that runs it may not be the one whose
// environment this is, and libpq's variables are for another server.
func environment() []string {
	env := []string{"LC_ALL=C"}
	for _, name := range []string{"PATH", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
