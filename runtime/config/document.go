package config

import (
	"errors"
	"os"

	"github.com/BurntSushi/toml"
)

// document is one TOML file, parsed.
type document struct {
	path   string
	own    bool // brink.toml, as against config.toml
	values map[string]any
	index  keyIndex
}

// readDocument reads a TOML file. A fault of its syntax has line and column.
func readDocument(path string) (*document, *Fault) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, &Fault{File: path, Message: "cannot read it: " + bare(err)}
	}
	values := map[string]any{}
	if _, err := toml.Decode(string(text), &values); err != nil {
		fault := Fault{File: path, Message: err.Error()}
		if syntax, ok := errors.AsType[toml.ParseError](err); ok {
			fault.Line, fault.Col = syntax.Position.Line, syntax.Position.Col
			fault.Message = "not valid TOML: " + syntax.Message
		}
		return nil, &fault
	}
	return &document{path: path, values: values, index: indexKeys(string(text))}, nil
}

// get returns the value at path. A value that is not a table ends the search.
func (d *document) get(path ...string) (any, bool) {
	var v any = d.values
	for _, part := range path {
		table, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = table[part]; !ok {
			return nil, false
		}
	}
	return v, true
}

// table returns the table at path, or nil.
func (d *document) table(path ...string) map[string]any {
	v, _ := d.get(path...)
	table, _ := v.(map[string]any)
	return table
}

// bare takes the path and the system call off an error of package os: a
// message that names the file itself does not want them twice.
func bare(err error) string {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}
