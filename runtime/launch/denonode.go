package launch

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync"

	"brink/runtime/config"
	"brink/runtime/wire"
)

// nodeUse remembers, for each function, whether its module graph names npm
// packages or node: modules. The bootstrap's patches of those load them, which
// costs a worker 40 ms of CPU and 15 ms between go and ready, and most
// functions never ask for any.
type nodeUse struct {
	mu     sync.Mutex           // guards graphs
	graphs map[string]graphNote // by lock path, which names function and import map
}

// graphNote is what one look at a module graph found.
type graphNote struct {
	node  bool
	files []string // the local modules
	stamp string   // of files and settings, when they were read

	trespass string // which module from elsewhere imports which local file; "" for none
}

// noteGraph looks at f's module graph, which was fetched just before. Without
// an answer nothing is noted, and the function counts as one that uses node. A
// graph in which code from elsewhere imports a file of this machine is a *Fault:
// Deno asks for no permission to read what is imported by a literal name.
func (d *Deno) noteGraph(ctx context.Context, f config.Function) error {
	cmd := exec.CommandContext(ctx, d.o.Engine, d.infoArgs(f)...)
	cmd.Dir = f.Dir
	cmd.Env = d.environ(f)
	settings := d.Stamp(f) // taken before the graph is read: an edit meanwhile shows
	out, err := cmd.Output()
	if err != nil {
		return nil
	}
	note, ok := readGraph(out)
	if !ok {
		return nil
	}
	if note.trespass != "" {
		return &Fault{Phase: wire.PhaseLoad, Name: "PermissionDenied", Message: note.trespass}
	}
	note.stamp = settings + stampFiles(note.files)
	d.node.mu.Lock()
	defer d.node.mu.Unlock()
	d.node.graphs[d.lockPath(f)] = note
	return nil
}

// usesNode says whether f may use npm packages or node: modules: what the last
// look at its graph found, or true when a file was changed since.
func (d *Deno) usesNode(f config.Function) bool {
	d.node.mu.Lock()
	note, ok := d.node.graphs[d.lockPath(f)]
	d.node.mu.Unlock()
	return !ok || note.node || note.stamp != d.Stamp(f)+stampFiles(note.files)
}

// Files returns the local files of f's module graph as of the last Prepare, the
// entrypoint included; nil before that. Whoever watches for edits wants those
// that lie outside the functions folder too.
func (d *Deno) Files(f config.Function) []string {
	d.node.mu.Lock()
	defer d.node.mu.Unlock()
	return slices.Clone(d.node.graphs[d.lockPath(f)].files)
}

// infoArgs are graphArgs without the flags that deno info does not know.
func (d *Deno) infoArgs(f config.Function) []string {
	args := []string{"info", "--json"}
	for _, arg := range d.graphArgs(f) {
		if arg != "--no-check" {
			args = append(args, arg)
		}
	}
	return append(args, f.Entrypoint)
}

// readGraph reads what deno info --json prints.
func readGraph(output []byte) (graphNote, bool) {
	var graph struct {
		Modules []struct {
			Specifier    string        `json:"specifier"`
			Dependencies []graphImport `json:"dependencies"`
		} `json:"modules"`
	}
	if json.Unmarshal(output, &graph) != nil || len(graph.Modules) == 0 {
		return graphNote{}, false
	}
	var note graphNote
	for _, module := range graph.Modules {
		scheme, _, _ := strings.Cut(module.Specifier, ":")
		if scheme != "file" {
			note.trespass = cmp.Or(note.trespass, trespass(module.Specifier, module.Dependencies))
		}
		switch scheme {
		case "node", "npm":
			note.node = true
		case "file":
			u, err := url.Parse(module.Specifier)
			if err != nil {
				return graphNote{}, false
			}
			// A package of a node_modules folder is a file as well.
			note.node = note.node || strings.Contains(u.Path, "/node_modules/")
			// CommonJS asks for node's modules by require, unseen.
			note.node = note.node || strings.HasSuffix(u.Path, ".cjs") || strings.HasSuffix(u.Path, ".cts")
			note.files = append(note.files, u.Path)
		}
	}
	return note, true
}

// graphImport is one import of a module, as deno info --json has it.
type graphImport struct {
	Specifier string `json:"specifier"`
	Code      struct {
		Specifier string `json:"specifier"`
	} `json:"code"`
}

// trespass says that a module from elsewhere imports a local file, "" when none
// of its imports does.
func trespass(module string, imports []graphImport) string {
	for _, i := range imports {
		if target := cmp.Or(i.Code.Specifier, i.Specifier); strings.HasPrefix(target, "file:") {
			return fmt.Sprintf("%s imports %s: code from elsewhere may not read files of this machine", module, target)
		}
	}
	return ""
}

func stampFiles(files []string) string {
	h := fnv.New64a()
	for _, file := range files {
		stampFile(h, file)
	}
	return fmt.Sprintf("%x", h.Sum64())
}
