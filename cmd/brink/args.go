package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// invocation is a command line in which the command has been found.
type invocation struct {
	command *cli.Command // nil for brink itself
	path    string       // "brink functions serve"
	argv    []string     // what to hand to cli.App.RunContext
	help    bool         // help was asked for, or a group was called by itself
}

// resolve finds the command that args (without the program's name) call, and
// puts flags before names: urfave/cli stops reading flags at the first name,
// so that `serve hello --port 0` would serve a function called --port. An
// unknown command is a usageError with the nearest name; flags are checked by
// urfave/cli afterwards.
func resolve(app *cli.App, args []string) (invocation, error) {
	inv := invocation{path: app.Name, argv: []string{app.Name}}
	commands := app.Commands
	flags := app.Flags
	if len(args) > 0 && args[0] == "help" {
		inv.help, args = true, args[1:]
	}
	for len(commands) > 0 {
		if len(args) == 0 {
			inv.help = true
			return inv, nil
		}
		name := args[0]
		if isHelpFlag(name) {
			inv.help = true
			return inv, nil
		}
		if strings.HasPrefix(name, "-") {
			if takes, known := lookupFlag(flags, name); known && !takes {
				inv.argv = append(inv.argv, name)
				return inv, nil // --version: nothing after it matters
			}
			return inv, usagef(inv.path, "unknown flag %s%s", name, flagPlaceHint(commands, name))
		}
		next := findCommand(commands, name)
		if next == nil {
			return inv, usagef(inv.path, "unknown command %q%s", inv.path+" "+name, didYouMean(nearestCommand(inv.path, commands, name)))
		}
		inv.command, args = next, args[1:]
		inv.path += " " + next.Name
		inv.argv = append(inv.argv, next.Name)
		commands, flags = next.Subcommands, next.Flags
	}
	ordered, help, err := flagsFirst(inv.path, flags, args)
	if err != nil {
		return inv, err
	}
	inv.help = inv.help || help
	inv.argv = append(inv.argv, ordered...)
	return inv, nil
}

// flagsFirst moves what belongs to flags before "--" and everything else
// behind it. An unknown flag is left among the flags, for the parser to refuse;
// a flag without its value is refused here, or it would take the "--".
func flagsFirst(path string, flags []cli.Flag, args []string) (ordered []string, help bool, err error) {
	var names []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			names = append(names, args[i+1:]...)
			i = len(args)
		case len(arg) < 2 || arg[0] != '-':
			names = append(names, arg)
		case isHelpFlag(arg):
			return nil, true, nil
		default:
			ordered = append(ordered, arg)
			takes, known := lookupFlag(flags, arg)
			if !known || !takes || strings.Contains(arg, "=") {
				continue
			}
			if i++; i == len(args) {
				return nil, false, usagef(path, "%s needs a value", arg)
			}
			ordered = append(ordered, args[i])
		}
	}
	return append(append(ordered, "--"), names...), false, nil
}

func isHelpFlag(arg string) bool { return arg == "-h" || arg == "--help" || arg == "-help" }

// lookupFlag says whether arg, as typed, names one of flags, and whether that
// flag takes a value.
func lookupFlag(flags []cli.Flag, arg string) (takesValue, known bool) {
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			d, ok := f.(cli.DocGenerationFlag)
			return ok && d.TakesValue(), true
		}
	}
	return false, false
}

// flagPlaceHint helps who wrote a command's flag before the command.
func flagPlaceHint(commands []*cli.Command, arg string) string {
	for _, c := range commands {
		if _, known := lookupFlag(c.Flags, arg); known {
			return "; it belongs behind " + c.Name
		}
		for _, sub := range c.Subcommands {
			if _, known := lookupFlag(sub.Flags, arg); known {
				return "; it belongs behind " + c.Name + " " + sub.Name
			}
		}
	}
	return ""
}

func findCommand(commands []*cli.Command, name string) *cli.Command {
	i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(name) })
	if i < 0 {
		return nil
	}
	return commands[i]
}

// nearestCommand returns the command that name was perhaps meant to call, as
// it has to be typed; also one that belongs below a group.
func nearestCommand(path string, commands []*cli.Command, name string) string {
	typed := map[string]string{}
	var names []string
	add := func(name, path string) {
		if typed[name] == "" {
			typed[name] = path + " " + name
			names = append(names, name)
		}
	}
	for _, c := range commands {
		add(c.Name, path)
	}
	for _, c := range commands {
		for _, sub := range c.Subcommands {
			add(sub.Name, path+" "+c.Name)
		}
	}
	return typed[nearest(name, names)]
}

// explainFlagError rewrites what the flag parser says: two dashes, the nearest
// flag, and no library's terms.
func explainFlagError(command string, flags []cli.Flag, err error) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		var names []string
		for _, f := range flags {
			if v, ok := f.(cli.VisibleFlag); !ok || v.IsVisible() {
				names = append(names, f.Names()...)
			}
		}
		return usagef(command, "unknown flag %s%s", dashed(name), didYouMean(dashed(nearest(name, names))))
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return usagef(command, "%s needs a value", dashed(name))
	}
	// invalid value "x" for flag -spare: parse error
	// invalid boolean value "x" for -verbose: parse error
	before, after, ok := strings.Cut(text, " for flag -")
	if !ok {
		before, after, ok = strings.Cut(text, " for -")
	}
	if ok {
		name, reason, _ := strings.Cut(after, ": ")
		if reason == "parse error" {
			reason = "it takes " + valueKind(flags, name)
		}
		return usagef(command, "%s for %s: %s", before, dashed(name), reason)
	}
	return usagef(command, "%s", text)
}

// valueKind says in words what the flag called name takes.
func valueKind(flags []cli.Flag, name string) string {
	for _, f := range flags {
		if !slices.Contains(f.Names(), name) {
			continue
		}
		switch f.(type) {
		case *cli.IntFlag:
			return "a whole number"
		case *cli.Float64Flag:
			return "a number"
		case *cli.DurationFlag:
			return "a duration such as 500ms, 10s or 2m"
		case *cli.BoolFlag:
			return "true or false"
		}
	}
	return "another kind of value"
}

func dashed(name string) string {
	switch len(name) {
	case 0:
		return ""
	case 1:
		return "-" + name
	}
	return "--" + strings.TrimLeft(name, "-")
}
