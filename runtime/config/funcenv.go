package config

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sharedEnv is the environment that all functions have in common.
type sharedEnv struct {
	values map[string]string
	files  []string // env files, whether they exist or not
}

// sharedEnv reads [edge_runtime.secrets] and, over them, the env files: those
// given by --env-file, else functions/.env.
func (l *loader) sharedEnv() sharedEnv {
	shared := sharedEnv{values: l.secrets(), files: []string{filepath.Join(l.functionsDir, ".env")}}
	if len(l.flags.EnvFiles) > 0 {
		shared.files = nil
		for _, name := range l.flags.EnvFiles {
			path := setting{dir: l.cwd}.path(name)
			shared.files = append(shared.files, path)
			if _, err := os.Stat(path); err != nil {
				l.fault(Fault{Key: "--env-file", Value: fmt.Sprintf("%q", name)},
					fmt.Sprintf("failed to open env file: open %s: %s", path, bare(err)))
			}
		}
	}
	for _, path := range shared.files {
		maps.Copy(shared.values, l.envFile(path))
	}
	return shared
}

// secrets decodes [edge_runtime.secrets]. Names become upper case, as in the
// Supabase CLI; a secret whose variable is not set, or that is empty, is left
// out.
func (l *loader) secrets() map[string]string {
	out := map[string]string{}
	for _, doc := range slices.Backward(l.docs) {
		l.mustBeTable(doc, "edge_runtime", "secrets")
		for _, name := range slices.Sorted(maps.Keys(doc.table("edge_runtime", "secrets"))) {
			k := supabaseKey("edge_runtime", "secrets", name)
			k.secret = true
			if value, at, ok := l.envValue(k); ok && value != "" && l.allowedName(strings.ToUpper(name), at) {
				out[strings.ToUpper(name)] = value
			}
		}
	}
	return out
}

// envValue reads one variable of a table.
func (l *loader) envValue(k key) (string, Fault, bool) {
	s, _ := l.find(k)
	if s.unset != "" {
		l.warn(s.at, "environment variable is unset: "+s.unset+"; functions do not get this one")
		return "", s.at, false
	}
	value := ""
	if _, set := read(l, k, &value, asString); !set {
		return "", s.at, false
	}
	if strings.HasPrefix(value, "encrypted:") {
		l.warn(s.at, "encrypted values cannot be read, and functions do not get this one; write env(NAME), or set it in functions/.env")
		return "", s.at, false
	}
	return value, s.at, true
}

// allowedName says whether functions may be given a variable of that name.
func (l *loader) allowedName(name string, at Fault) bool {
	if strings.HasPrefix(name, "SUPABASE_") {
		at.Key = ""
		l.warn(at, "Env name cannot start with SUPABASE_, skipping: "+name)
		return false
	}
	return true
}

// envFile reads a file of variables for functions.
func (l *loader) envFile(path string) map[string]string {
	l.source(path)
	values, fault := readDotenv(path)
	if fault != nil {
		l.faults = append(l.faults, *fault)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !l.allowedName(name, Fault{File: path}) {
			delete(values, name)
		}
	}
	return values
}

// functionEnv merges f's environment: what is shared, then functions/<name>/.env
// unless --env-file is given, then [functions.<name>.env].
func (l *loader) functionEnv(f *Function, shared sharedEnv) {
	f.Env = maps.Clone(shared.values)
	f.watch(shared.files...)
	if len(l.flags.EnvFiles) == 0 {
		own := filepath.Join(realPath(filepath.Join(l.functionsDir, f.Name)), ".env")
		maps.Copy(f.Env, l.envFile(own))
		f.watch(own)
	}
	for _, doc := range slices.Backward(l.docs) {
		l.mustBeTable(doc, "functions", f.Name, "env")
		table := doc.table("functions", f.Name, "env")
		for _, name := range slices.Sorted(maps.Keys(table)) {
			k := key{paths: [][]string{{"functions", f.Name, "env", name}}, secret: true}
			value, at, ok := l.envValue(k)
			if !ok || !l.allowedName(name, at) {
				continue
			}
			if text, _ := table[name].(string); !doc.own && !envCall.MatchString(text) {
				l.warn(at, "the Supabase CLI takes env(NAME) only and refuses this; keep the value in functions/"+f.Name+"/.env")
			}
			f.Env[name] = value
		}
	}
}

// mustBeTable finds fault with a key that is there but is no table.
func (l *loader) mustBeTable(doc *document, path ...string) {
	if v, ok := doc.get(path...); ok && doc.table(path...) == nil {
		l.fault(doc.place(key{secret: true}, path), fmt.Sprintf("%s is not a table; write [%s] with NAME = \"env(NAME)\" below", kindOf(v), strings.Join(path, ".")))
	}
}
