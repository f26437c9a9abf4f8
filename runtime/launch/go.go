package launch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"brink/policy"
	"brink/runtime/config"
	"brink/runtime/worker"
)

// GoOptions are what the launcher of Go functions needs to know.
type GoOptions struct {
	CacheDir string   // absolute; builds are kept in a folder "go" of it
	GoTool   string   // absolute path of the go command; "" looks on Environ's PATH
	Race     bool     // build with the race detector
	Environ  []string // for the go command; nil means os.Environ()
}

// Go builds Go functions and describes their workers. Its methods may be
// called by many goroutines at once. It has nothing to close.
type Go struct {
	options GoOptions
	slots   chan struct{} // held while the go command runs

	mu     sync.Mutex               // guards what follows
	busy   map[string]chan struct{} // by function's folder: held while it is prepared
	builds map[string]goBuild       // by function's name: what Prepare made last
}

// goBuild is one executable in the cache.
type goBuild struct {
	key  string // of everything that went into it
	path string
	dir  string // the function's folder, where its workers run
}

// NewGo returns a launcher. It looks for no toolchain yet: Prepare does, so
// that a machine without Go serves everything else.
func NewGo(o GoOptions) *Go {
	if o.Environ == nil {
		o.Environ = os.Environ()
	}
	return &Go{
		options: o,
		slots:   make(chan struct{}, max(1, runtime.NumCPU()/2)),
		busy:    map[string]chan struct{}{},
		builds:  map[string]goBuild{},
	}
}

// errChanged says that a function was edited while it was built.
var errChanged = errors.New("its files changed while it was built; save once more")

// goAttempts is how often Prepare starts over when files change meanwhile.
const goAttempts = 3

// Prepare makes sure that the executable of the function as it is now is in
// the cache, and has the Specs that follow use it. It blocks for as long as the
// build takes, and calls progress when it builds and when it has built. Nothing
// is written below the function's folder or its module's. What the user has to
// change is a *Fault; then the last good build stays the one in use.
func (g *Go) Prepare(ctx context.Context, f config.Function, progress func(message string)) error {
	dir := realPath(goDir(f))
	done, err := g.acquire(ctx, dir)
	if err != nil {
		return err
	}
	defer done()
	var build goBuild
	for range goAttempts {
		if build, err = g.build(ctx, f.Name, dir, progress); !errors.Is(err, errChanged) {
			break
		}
	}
	if err != nil {
		if _, ok := errors.AsType[*Fault](err); ok {
			return err
		}
		return fmt.Errorf("cannot build %s: %w", f.Name, err)
	}
	g.mu.Lock()
	g.builds[f.Name] = build
	g.mu.Unlock()
	return nil
}

// goDir is the folder of the function's package. An entrypoint may name one of
// its files.
func goDir(f config.Function) string {
	if filepath.Ext(f.Entrypoint) == ".go" {
		return filepath.Dir(f.Entrypoint)
	}
	return f.Entrypoint
}

// acquire waits for the function's turn and for a slot.
func (g *Go) acquire(ctx context.Context, dir string) (done func(), err error) {
	g.mu.Lock()
	turn := g.busy[dir]
	if turn == nil {
		turn = make(chan struct{}, 1)
		g.busy[dir] = turn
	}
	g.mu.Unlock()
	for i, c := range []chan struct{}{turn, g.slots} {
		select {
		case c <- struct{}{}:
		case <-ctx.Done():
			if i > 0 {
				<-turn
			}
			return nil, context.Cause(ctx)
		}
	}
	return func() { <-g.slots; <-turn }, nil
}

// Build returns the hash of everything that went into the executable that the
// function's next Spec starts, or "" before Prepare. A spare that was started
// under another one holds old code: user code does not run before the gate
// opens, but it is compiled in.
func (g *Go) Build(f config.Function) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.builds[f.Name].key
}

// Spec describes a worker of the build that Prepare made last. It fails when
// there is none, or when it is no longer in the cache.
func (g *Go) Spec(f config.Function, id string, env map[string]string) (worker.Spec, error) {
	g.mu.Lock()
	build, ok := g.builds[f.Name]
	g.mu.Unlock()
	if !ok {
		return worker.Spec{}, fmt.Errorf("cannot start %s: it is not built", f.Name)
	}
	now := time.Now()
	if err := os.Chtimes(build.path, now, now); err != nil {
		return worker.Spec{}, fmt.Errorf("cannot start %s: its build is not in the cache any more, restart it: %w", f.Name, err)
	}
	limits := f.Limits
	return worker.Spec{
		Function: f.Name,
		ID:       id,
		Env:      env,
		Command: func(p worker.Paths) worker.Command {
			return worker.Command{Path: build.path, Dir: build.dir, Env: goProcessEnv(p, limits)}
		},
	}, nil
}

// goProcessEnv is what the Go runtime itself reads before the gate, which
// replaces it with the function's variables.
func goProcessEnv(p worker.Paths, l policy.Limits) []string {
	env := []string{"TMPDIR=" + p.Tmp, "GOTRACEBACK=single"}
	if l.Enforcement != policy.Off && l.Memory > 0 {
		env = append(env, "GOMEMLIMIT="+strconv.FormatInt(softMemory(l.Memory), 10))
	}
	return env
}

// softMemory is what the garbage collector tries to stay below: 5 % under the
// limit, so that it works harder before the worker is killed. It is set under
// warn too; otherwise an idle collector would make a function look hungrier
// than it is when hosted.
func softMemory(limit int64) int64 { return limit - limit/20 }
