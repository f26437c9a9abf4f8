package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The keys of the tables that brink reads whole. Keys of other tables are the
// Supabase CLI's business and are not looked at.
var (
	ownKeys = []string{
		"reload", "plan", "limits", "parity", "wall_clock", "cpu_soft", "cpu_hard", "memory", "idle_timeout",
		"tmp_quota", "upstream", "spare", "drain_timeout", "time_scale",
	}
	ownFunctionKeys = []string{
		"reload", "limits", "parity", "wall_clock", "cpu_soft", "cpu_hard", "memory", "idle_timeout", "tmp_quota",
	}
	edgeRuntimeKeys = append([]string{"enabled", "policy", "inspector_port", "deno_version", "secrets"}, ownKeys...)
	functionKeys    = append([]string{"enabled", "verify_jwt", "import_map", "entrypoint", "static_files", "env"}, ownFunctionKeys...)
)

// unknownKeys checks the shape of [edge_runtime] and [functions.<name>] in
// each file and warns about keys that nobody reads.
func (l *loader) unknownKeys() {
	for _, doc := range l.docs {
		if doc.own {
			l.foreignTables(doc)
		}
		l.knownIn(doc, edgeRuntimeKeys, functionKeys, "edge_runtime")
		v, ok := doc.get("functions")
		if !ok {
			continue
		}
		functions, isTable := v.(map[string]any)
		if !isTable {
			l.fault(doc.place(key{}, []string{"functions"}),
				"Invalid functions config format; functions are tables, written [functions.<function-name>] with their keys below")
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(functions)) {
			if !slugPattern.MatchString(name) {
				l.fault(doc.place(key{}, []string{"functions", name}), invalidSlug(name))
				continue
			}
			l.knownIn(doc, functionKeys, edgeRuntimeKeys, "functions", name)
		}
	}
}

// knownIn warns about the keys of one table that are not in known. elsewhere
// are those of the other kind of table, for a better word.
func (l *loader) knownIn(doc *document, known, elsewhere []string, path ...string) {
	v, ok := doc.get(path...)
	if !ok {
		return
	}
	table, isTable := v.(map[string]any)
	if !isTable {
		l.fault(doc.place(key{}, path), fmt.Sprintf("%s is not a table; write [%s] with its keys below", kindOf(v), strings.Join(path, ".")))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if slices.Contains(known, name) {
			continue
		}
		at := doc.place(key{secret: true}, append(path[:len(path):len(path)], name))
		near := Nearest(name, known)
		switch {
		case slices.Contains(elsewhere, name) && path[0] == "functions":
			l.warn(at, "this holds for all functions and is ignored here; it belongs in [edge_runtime]")
		case slices.Contains(elsewhere, name):
			l.warn(at, "this holds for one function and is ignored here; it belongs in [functions.<name>]")
		case near != "":
			l.warn(at, fmt.Sprintf("unknown key, ignored; did you mean %q?", near))
		default:
			l.warn(at, "unknown key, ignored")
		}
	}
}

// foreignTables warns about and removes what brink.toml cannot set.
func (l *loader) foreignTables(doc *document) {
	for _, name := range slices.Sorted(maps.Keys(doc.values)) {
		if name != "edge_runtime" && name != "functions" {
			l.warn(doc.place(key{secret: true}, []string{name}),
				"brink.toml holds [edge_runtime] and [functions.<name>] only; this is ignored here and belongs in config.toml")
			delete(doc.values, name)
		}
	}
}
