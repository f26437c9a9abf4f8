package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tailscale/hujson"
)

// importMaps decides which import map each function gets, and collects who
// gets one of the discouraged kinds.
type importMaps struct {
	*loader
	deprecated, fallback []string
}

// resolve sets f's import map, Deno configuration and use of package.json. The
// first of these that exists counts: --import-map, import_map, deno.json or
// deno.jsonc beside the entrypoint, import_map.json there, import_map.json in
// the functions folder.
func (m *importMaps) resolve(f *Function) {
	path, ok := m.configured(f)
	if !ok {
		return
	}
	if f.Language == Go {
		f.watch(m.upwards(f.Dir, "go.mod", "go.sum", "go.work")...)
		return
	}
	f.DenoConfig = firstFile(f.Dir, "deno.json", "deno.jsonc")
	switch own := firstFile(f.Dir, "import_map.json"); {
	case path != "":
	case f.DenoConfig != "":
		path = f.DenoConfig
	case own != "":
		path = own
		m.deprecated = append(m.deprecated, f.Name)
	default:
		if path = firstFile(m.functionsDir, "import_map.json"); path != "" {
			m.fallback = append(m.fallback, f.Name)
		}
	}
	f.UsePackageJSON = path == "" && isFile(filepath.Join(f.Dir, "package.json"))
	m.set(f, path)
	// Deno finds these by itself, from the entrypoint upwards.
	f.watch(m.upwards(filepath.Dir(f.Dir), "deno.json", "deno.jsonc")...)
}

// set follows path to where the imports are, and passes on what Deno would
// not find: it reads the configuration beside the entrypoint, and one
// "importMap" in that, by itself.
func (m *importMaps) set(f *Function, path string) {
	chain := followImportMap(path)
	f.watch(chain...)
	if path != f.DenoConfig || len(chain) > 2 {
		f.ImportMap = chain[len(chain)-1]
	}
}

// configured returns the import map that a flag or a key names, or "". It
// reports false after a fault.
func (m *importMaps) configured(f *Function) (string, bool) {
	k := functionKey(f.Name, "import_map")
	k.flag, k.given = "--import-map", m.flags.ImportMap
	name := ""
	s, set := read(m.loader, k, &name, asString)
	if s.value != nil && !set {
		return "", false
	}
	if name == "" || f.Language == Go {
		return "", true
	}
	path := s.path(name)
	text, err := os.ReadFile(path)
	if err != nil {
		m.fault(s.at, fmt.Sprintf("failed to load import map: open %s: %s; allowed is the path of an import map or a deno.json", name, bare(err)))
		return "", false
	}
	if _, err := parseImportMap(text); err != nil {
		m.fault(s.at, "failed to parse import map: "+err.Error())
		return "", false
	}
	return filepath.Join(realPath(filepath.Dir(path)), filepath.Base(path)), true
}

// warn says which functions have a discouraged import map, once for each kind.
func (m *importMaps) warn() {
	if len(m.deprecated) > 0 {
		m.loader.warn(Fault{}, "Functions using deprecated import_map.json (please migrate to deno.json): "+strings.Join(m.deprecated, ", "))
	}
	if len(m.fallback) > 0 {
		m.loader.warn(Fault{}, "Functions using fallback import map: "+strings.Join(m.fallback, ", ")+
			"\nPlease use recommended per function dependency declaration  https://supabase.com/docs/guides/functions/import-maps")
	}
}

// importMapFile is the part of an import map or deno.json that says where the
// imports are.
type importMapFile struct {
	Imports   json.RawMessage `json:"imports"`
	Scopes    json.RawMessage `json:"scopes"`
	ImportMap string          `json:"importMap"`
}

// parseImportMap reads JSON with comments and trailing commas, as Deno does.
func parseImportMap(text []byte) (importMapFile, error) {
	var file importMapFile
	plain, err := hujson.Standardize(text)
	if err != nil {
		return file, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "hujson: "))
	}
	return file, json.Unmarshal(plain, &file)
}

// followImportMap returns path and the files that its "importMap" leads to,
// one after the other. It ends at a file with imports of its own, at one that
// cannot be read (Deno will say so), at a URL, and where it would go in circles.
func followImportMap(path string) []string {
	chain := []string{path}
	for {
		text, err := os.ReadFile(path)
		if err != nil {
			return chain
		}
		file, err := parseImportMap(text)
		if err != nil || file.ImportMap == "" || file.Imports != nil || file.Scopes != nil || strings.Contains(file.ImportMap, "://") {
			return chain
		}
		path = setting{dir: filepath.Dir(path)}.path(file.ImportMap)
		if slices.Contains(chain, path) {
			return chain
		}
		chain = append(chain, path)
	}
}

// upwards lists the existing files of these names from dir up to the root of
// the project.
func (m *importMaps) upwards(dir string, names ...string) []string {
	var files []string
	for relative(m.root, dir) != dir {
		for _, name := range names {
			if path := filepath.Join(dir, name); isFile(path) {
				files = append(files, path)
			}
		}
		dir = filepath.Dir(dir)
	}
	return files
}

// watch adds paths outside f.Dir to f.Watch.
func (f *Function) watch(paths ...string) {
	for _, path := range paths {
		if path != "" && relative(f.Dir, path) == path && !slices.Contains(f.Watch, path) {
			f.Watch = append(f.Watch, path)
		}
	}
}

// firstFile returns the first of these files that exists in dir, or "".
func firstFile(dir string, names ...string) string {
	for _, name := range names {
		if path := filepath.Join(dir, name); isFile(path) {
			return path
		}
	}
	return ""
}
