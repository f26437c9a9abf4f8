package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"brink/policy"
)

// functions lists the project's functions and decodes each.
func (l *loader) functions(c *Config) {
	found := l.discover()
	names := l.functionNames(found)
	if len(names) == 0 && !l.opts.AllowEmpty {
		l.noFunctions()
		return
	}
	l.checkNames(names)
	shared := l.sharedEnv()
	imports := importMaps{loader: l}
	global := l.limits("", policy.DefaultLimits(c.Plan))
	for _, name := range names {
		if len(l.opts.Names) > 0 && !slices.Contains(l.opts.Names, name) {
			continue
		}
		enabled := true
		if s, _ := read(l, functionKey(name, "enabled"), &enabled, asBool); !enabled {
			c.Disabled = append(c.Disabled, name)
			if slices.Contains(l.opts.Names, name) {
				l.fault(s.at, fmt.Sprintf("function %q is disabled; write enabled = true to serve it", name))
			}
			continue
		}
		i := slices.IndexFunc(found, func(e entry) bool { return e.name == name })
		var discovered entry
		if i >= 0 {
			discovered = found[i]
		}
		f, ok := l.function(c, name, discovered, shared, &imports)
		f.Limits = l.limits(name, global)
		if ok {
			c.Functions = append(c.Functions, f)
		}
	}
	imports.warn()
	if len(c.Functions) == 0 && len(l.faults) == 0 && !l.opts.AllowEmpty {
		l.fault(Fault{File: l.configPath}, fmt.Sprintf("every function is disabled: %s; write enabled = true for one of them", strings.Join(c.Disabled, ", ")))
	}
}

// function decodes one enabled function, its limits excepted.
func (l *loader) function(c *Config, name string, found entry, shared sharedEnv, imports *importMaps) (Function, bool) {
	f := Function{Name: name, VerifyJWT: true, Parity: c.Parity, Reload: c.Reload}
	read(l, functionKey(name, "verify_jwt"), &f.VerifyJWT, asBool)
	if no := l.flags.NoVerifyJWT; no != nil {
		f.VerifyJWT = !*no
	}
	read(l, brinkKey(name, "parity", l.flags.Parity), &f.Parity, asChoice(policy.ParityNames, policy.ParseParity))
	read(l, brinkKey(name, "reload", l.flags.Reload), &f.Reload, asReload)
	l.staticFiles(&f)
	e, ok := l.entrypoint(name, found)
	if !ok {
		return Function{}, false
	}
	f.Language, f.Entrypoint, f.Dir = e.language, e.path, e.dir
	imports.resolve(&f)
	l.functionEnv(&f, shared)
	return f, true
}

// functionNames lists all functions: those on disk, then those that only
// config.toml names. A table in brink.toml alone makes a function only if it
// says where that starts.
func (l *loader) functionNames(found []entry) []string {
	var names []string
	for _, e := range found {
		names = append(names, e.name)
	}
	for _, doc := range slices.Backward(l.docs) {
		for _, name := range slices.Sorted(maps.Keys(doc.table("functions"))) {
			if slices.Contains(names, name) || !slugPattern.MatchString(name) {
				continue
			}
			if _, starts := doc.get("functions", name, "entrypoint"); doc.own && !starts {
				l.warn(doc.place(key{}, []string{"functions", name}), noSuchFunction(name, names)+"; this table is ignored")
				continue
			}
			names = append(names, name)
		}
	}
	return names
}

// checkNames finds fault with names that were asked for and do not exist.
func (l *loader) checkNames(names []string) {
	for _, name := range l.opts.Names {
		if !slices.Contains(names, name) {
			l.fault(Fault{}, noSuchFunction(name, names)+"; the functions are "+strings.Join(names, ", "))
		}
	}
}

func noSuchFunction(name string, names []string) string {
	if near := Nearest(name, names); near != "" {
		return fmt.Sprintf("there is no function %q (did you mean %q?)", name, near)
	}
	return fmt.Sprintf("there is no function %q", name)
}

// noFunctions says where functions were looked for and what to do.
func (l *loader) noFunctions() {
	looked := make([]string, len(l.looked))
	for i, dir := range l.looked {
		looked[i] = relative(l.cwd, dir)
	}
	l.fault(Fault{}, fmt.Sprintf("no functions found in %s (a function is a folder there with an index.ts); make one with `brink functions new hello`, or name the project with --workdir or --config",
		strings.Join(looked, " or ")))
}

// staticFiles decodes static_files into absolute patterns.
func (l *loader) staticFiles(f *Function) {
	var patterns []string
	s, set := read(l, functionKey(f.Name, "static_files"), &patterns, asStrings)
	if !set {
		return
	}
	for _, p := range patterns {
		text, unset := l.env.expand(p)
		if unset != "" {
			l.fault(s.at, fmt.Sprintf("environment variable is unset: %s; set it, or write the pattern here", unset))
			continue
		}
		if !doublestar.ValidatePattern(filepath.ToSlash(text)) {
			l.fault(s.at, fmt.Sprintf("%q is not a pattern; allowed are paths with *, ** and ?, relative to config.toml", p))
			continue
		}
		if !filepath.IsAbs(text) {
			text = filepath.Join(globQuote(s.dir), filepath.FromSlash(text))
		}
		f.StaticFiles = append(f.StaticFiles, text)
	}
}

// StaticPaths returns the files that StaticFiles match now, absolute and
// sorted. A pattern that matches nothing is no error.
func (f Function) StaticPaths() ([]string, error) {
	var paths []string
	for _, pattern := range f.StaticFiles {
		matches, err := doublestar.FilepathGlob(pattern, doublestar.WithFilesOnly())
		if err != nil {
			return nil, fmt.Errorf("cannot list static files %q of %q: %w", pattern, f.Name, err)
		}
		paths = append(paths, matches...)
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

// globQuote makes a folder's path match itself only. Windows has no escape:
// there the backslash separates.
func globQuote(dir string) string {
	if filepath.Separator == '\\' {
		return dir
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `{`, `\{`, `}`, `\}`).Replace(dir)
}
