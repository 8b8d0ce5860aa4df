package privateserver

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// ownerVar makes the test binary the process whose end is awaited, and names the file
// that the command afterwards makes.
const ownerVar = "PRIVATESERVER_TEST_OWNER"

func TestMain(m *testing.M) {
	if file := os.Getenv(ownerVar); file != "" {
		Afterwards(`: >"$1"`, file)
		os.Stdout.WriteString("waiting\n")
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	os.Exit(m.Run())
}

func TestAfterwardsRunsHoweverItsOwnerEnds(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("needs a shell")
	}
	for name, end := range map[string]func(*exec.Cmd, io.Closer) error{
		"killed": func(c *exec.Cmd, _ io.Closer) error { return c.Process.Kill() },
		"exits":  func(_ *exec.Cmd, in io.Closer) error { return in.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "ran")
			c := exec.Command(os.Args[0])
			c.Env = append(os.Environ(), ownerVar+"="+file)
			in, err := c.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(file); err == nil {
				t.Fatal("the command ran while its owner lived")
			}
			if err := end(c, in); err != nil {
				t.Fatal(err)
			}
			_ = c.Wait() // may say that it was killed
			for range 2000 {
				if _, err = os.Stat(file); err == nil {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
			t.Error("the command did not run")
		})
	}
}

func TestAfterwardsThatIsReleasedDoesNotRun(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ran")
	release := Afterwards(`: >"$1"`, file)
	release()
	release()
	if _, err := os.Stat(file); err == nil {
		t.Error("the command ran")
	}
}
