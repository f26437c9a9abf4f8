package main

import (
	"hash/fnv"

	"github.com/fatih/color"
)

// palette holds brink's colours, or the absence of them. Its colours are not
// tied to the library's global switch, which looks at os.Stdout.
type palette struct {
	on                                  bool
	bold, dim, red, yellow, green, cyan *color.Color
	badRed, hint                        *color.Color
	names                               []*color.Color // of functions; none that means something
}

func newPalette(on bool) *palette {
	p := &palette{on: on}
	mix := func(attributes ...color.Attribute) *color.Color {
		c := color.New(attributes...)
		if on {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
		return c
	}
	p.bold, p.dim = mix(color.Bold), mix(color.Faint)
	p.red, p.yellow, p.green, p.cyan = mix(color.FgRed), mix(color.FgYellow), mix(color.FgGreen), mix(color.FgCyan)
	p.badRed, p.hint = mix(color.FgRed, color.Bold), mix(color.FgCyan, color.Bold)
	p.names = []*color.Color{mix(color.FgCyan), mix(color.FgMagenta), mix(color.FgBlue), mix(color.FgHiCyan), mix(color.FgHiMagenta), mix(color.FgHiBlue)}
	return p
}

// function colours a function's name, always the same way.
func (p *palette) function(name string) *color.Color {
	h := fnv.New32a()
	h.Write([]byte(name))
	return p.names[h.Sum32()%uint32(len(p.names))]
}

// status colours an HTTP status.
func (p *palette) status(code int) *color.Color {
	switch {
	case code >= 500:
		return p.badRed
	case code >= 400:
		return p.yellow
	case code >= 300 || code < 200:
		return p.cyan
	}
	return p.green
}

// share colours a part of a limit: yellow from half of it, red from 90 %. It
// returns nil below that.
func (p *palette) share(share float64) *color.Color {
	switch {
	case share >= 0.9:
		return p.badRed
	case share >= 0.5:
		return p.yellow
	}
	return nil
}
