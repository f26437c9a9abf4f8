package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

// writeHelp prints the help of one command, or of brink itself when command is
// nil: what it does, how to call it, examples, commands or flags by category.
func writeHelp(w io.Writer, app *cli.App, inv invocation) {
	usage, args, examples := app.Usage, "<command>", app.Description
	commands, flags := app.Commands, app.Flags
	if c := inv.command; c != nil {
		usage, args, examples = c.Usage, c.ArgsUsage, c.Description
		commands, flags = c.Subcommands, c.Flags
		if len(commands) > 0 {
			args = "<command>"
		}
	}
	if len(commands) == 0 && len(visible(flags)) > 0 {
		args = strings.TrimSpace("[flags] " + args)
	}
	fmt.Fprintf(w, "%s\n\nUsage: %s\n", usage, strings.TrimSpace(inv.path+" "+args))
	if examples != "" {
		fmt.Fprintf(w, "\n%s\n", strings.Trim(examples, "\n"))
	}
	writeCommands(w, commands)
	writeFlags(w, flags)
	if len(commands) > 0 {
		fmt.Fprintf(w, "\n%s <command> --help says more.\n", inv.path)
	}
}

func writeCommands(w io.Writer, commands []*cli.Command) {
	var rows [][2]string
	for _, c := range commands {
		if c.Hidden {
			continue
		}
		if len(c.Subcommands) == 0 {
			rows = append(rows, [2]string{strings.TrimSpace(c.Name + " " + c.ArgsUsage), summary(c.Usage)})
		}
		for _, sub := range c.Subcommands { // two levels fit on one screen
			rows = append(rows, [2]string{strings.TrimSpace(c.Name + " " + sub.Name + " " + sub.ArgsUsage), summary(sub.Usage)})
		}
	}
	writeRows(w, "Commands", rows)
}

func writeFlags(w io.Writer, flags []cli.Flag) {
	var order []string
	rows := map[string][][2]string{}
	for _, f := range visible(flags) {
		category := "Flags"
		if c, ok := f.(cli.CategorizableFlag); ok && c.GetCategory() != "" {
			category = c.GetCategory()
		}
		if rows[category] == nil {
			order = append(order, category)
		}
		rows[category] = append(rows[category], flagRow(f))
	}
	for _, category := range order {
		writeRows(w, category, rows[category])
	}
}

func visible(flags []cli.Flag) []cli.Flag {
	var seen []cli.Flag
	for _, f := range flags {
		if v, ok := f.(cli.VisibleFlag); !ok || v.IsVisible() {
			seen = append(seen, f)
		}
	}
	return seen
}

// flagRow returns a flag as it is typed, with its value's name, which its usage
// begins with in backquotes, and the usage.
func flagRow(f cli.Flag) [2]string {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return [2]string{dashed(f.Names()[0]), ""}
	}
	var names []string
	for _, name := range f.Names() {
		names = append(names, dashed(name))
	}
	typed, usage := strings.Join(names, ", "), d.GetUsage()
	if rest, ok := strings.CutPrefix(usage, "`"); ok {
		var value string
		if value, usage, _ = strings.Cut(rest, "`"); !strings.HasPrefix(value, "[") {
			typed += " "
		}
		typed += value
	}
	return [2]string{typed, usage}
}

// summary is the first sentence of a usage text, without its full stop.
func summary(usage string) string {
	first, _, _ := strings.Cut(usage, "\n")
	return strings.TrimSuffix(first, ".")
}

func writeRows(w io.Writer, title string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	width := 0
	for _, r := range rows {
		width = max(width, len(r[0]))
	}
	fmt.Fprintf(w, "\n%s:\n", title)
	for _, r := range rows {
		text := strings.ReplaceAll(r[1], "\n", "\n"+strings.Repeat(" ", width+4))
		fmt.Fprintf(w, "  %s\n", strings.TrimRight(fmt.Sprintf("%-*s  %s", width, r[0], text), " "))
	}
}
