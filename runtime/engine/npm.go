package engine

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	progressInterval = time.Second
	keptLines        = 8       // of npm's output, in an error
	keptOutput       = 1 << 16 // bytes of npm's output held while it runs
)

// download runs npm in dir, which then holds node_modules/<name>.
func (i *installer) download(ctx context.Context, dir string) error {
	manifest, lock, err := i.pin.project(i.name)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"package.json": manifest, "package-lock.json": lock} {
		if content == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return fmt.Errorf("cannot write %s: %w", name, err)
		}
	}
	i.progress(fmt.Sprintf("installing Deno %s with npm (once, about 100 MB on disk)", i.pin.Version))

	out := &tail{limit: keptOutput}
	cmd := exec.CommandContext(ctx, i.npm, i.arguments()...)
	cmd.Dir = dir
	cmd.Env = i.env
	cmd.Stdout, cmd.Stderr = out, out
	ownGroup(cmd)
	cmd.WaitDelay = 2 * time.Second

	stop := i.report(dir)
	err = cmd.Run()
	stop()
	if ctx.Err() != nil {
		return fmt.Errorf("cannot install Deno: %w", context.Cause(ctx))
	}
	if err != nil {
		return npmError(err, out.String())
	}
	return nil
}

// arguments are those of npm. The user's own configuration decides about
// registry, proxy and certificates; the flags undo only what would change the
// meaning of this one install.
func (i *installer) arguments() []string {
	p := i.host.platform
	how, locked := "ci", "true"
	if !i.pin.usable() {
		how, locked = "install", "false"
	}
	args := []string{
		how, "--ignore-scripts", "--no-audit", "--no-fund",
		"--loglevel=error", "--no-progress", "--no-update-notifier",
		"--package-lock=" + locked, "--global=false", "--dry-run=false", "--install-strategy=hoisted",
		// npm would compare with the platform of node, and x64 node on an arm64
		// Mac is common. Versions of npm that do not know these ignore them.
		"--os=" + p.nodeOS(), "--cpu=" + p.nodeArch(),
	}
	if libc := p.libc(); libc != "" {
		args = append(args, "--libc="+libc)
	}
	return args
}

// report tells how far npm is until stop is called, which waits.
func (i *installer) report(dir string) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		start := time.Now()
		ticker := time.NewTicker(progressInterval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				i.progress(progressText(i.pin.Version, size(dir), time.Since(start)))
			}
		}
	})
	return sync.OnceFunc(func() {
		close(done)
		wg.Wait()
	})
}

// progressText says that something is going on even while npm has not unpacked
// anything yet.
func progressText(version string, bytes int64, elapsed time.Duration) string {
	text := fmt.Sprintf("installing Deno %s with npm: %d s", version, int(elapsed.Seconds()))
	if mb := bytes / 1_000_000; mb > 0 {
		text += fmt.Sprintf(", %d MB on disk", mb)
	}
	return text
}

// size adds up the files under dir, as far as they can be seen: npm is busy in
// there.
func size(dir string) (total int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				total += info.Size()
			}
		}
		return nil
	})
	return total
}

// advice maps the beginning of the code in npm's output (npm error code E404)
// to what the user can do. The first match counts. Codes: npm's own page on
// common errors, and Node.js's
// https://nodejs.org/api/errors.html#common-system-errors
var advice = []struct{ sign, say string }{
	{"EINTEGRITY", "what was downloaded is not the Deno that brink knows; a proxy or registry mirror changed it, or the download broke off: try `npm cache verify`, then another registry (`npm config get registry`)"},
	{"ENOTCACHED", "npm is set to work offline: set it back (`npm config delete offline`)"},
	{"ENOTFOUND", offline}, {"EAI_AGAIN", offline}, {"ECONNREFUSED", offline}, {"ECONNRESET", offline},
	{"ENETUNREACH", offline}, {"EHOSTUNREACH", offline}, {"ETIMEDOUT", offline}, {"ERR_SOCKET_TIMEOUT", offline},
	{"SELF_SIGNED_CERT", certificate}, {"UNABLE_TO_VERIFY", certificate}, {"UNABLE_TO_GET_ISSUER", certificate}, {"CERT_", certificate},
	{"E401", login}, {"E403", login}, {"ENEEDAUTH", login},
	{"E404", mirror}, {"ETARGET", mirror},
	{"ENOSPC", "the disk is full: make room, or set BRINK_CACHE to a folder elsewhere"},
	{"EACCES", "npm may not write to its own cache: see `npm config get cache`"},
	{"EBADPLATFORM", "this npm is too old for this machine: update Node.js"},
}

const (
	offline     = "npm cannot reach its registry: check the network and npm's proxy setting (`npm config get proxy`); once Deno is installed, brink needs no network"
	certificate = "npm does not trust the registry's certificate: a company proxy needs its own (`npm config set cafile`)"
	login       = "npm's registry wants a login: `npm login`, or another registry (`npm config get registry`)"
	mirror      = "npm's registry does not have this package: a mirror may lag behind or filter (`npm config get registry`)"
)

// npmError explains why npm failed, with its last lines.
func npmError(err error, output string) error {
	say := "try again"
	for _, a := range advice {
		if strings.Contains(output, "code "+a.sign) {
			say = a.say
			break
		}
	}
	var kept []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		// The path of npm's own log is not of interest once its text is here.
		if line != "" && !strings.Contains(line, "A complete log of this run") && !strings.HasPrefix(line, "npm warn") {
			kept = append(kept, "  "+line)
		}
	}
	if len(kept) > keptLines {
		kept = kept[len(kept)-keptLines:]
	}
	if len(kept) == 0 {
		kept = []string{"  (npm said nothing)"}
	}
	return fmt.Errorf("cannot install Deno %s: npm failed (%w): %s; or install Deno %s yourself and pass --deno or set BRINK_DENO; npm's last words:\n%s",
		Version, err, say, supportedText, strings.Join(kept, "\n"))
}

// tail keeps the end of what is written to it. One goroutine writes, and
// String is called when it is done.
type tail struct {
	limit int
	buf   []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if extra := len(t.buf) - t.limit; extra > 0 {
		t.buf = append(t.buf[:0], t.buf[extra:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.buf) }
