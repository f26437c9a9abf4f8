package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fatih/color"

	"brink/policy"
)

// maxBannerURLs is how many functions the banner names.
const maxBannerURLs = 10

// functionsPath precedes a function's name in its URL.
const functionsPath = "/functions/v1"

const clockLayout = "15:04:05"

// clockIndent puts further lines of an event below its first one.
var clockIndent = strings.Repeat(" ", len(clockLayout)+1)

func (p *printer) clock(t time.Time) string { return p.colors.dim.Sprint(t.Format(clockLayout)) + " " }

// banner is what is seen when brink is ready. Its first lines are those of the
// Supabase CLI, which people and scripts look for.
func (p *printer) banner(e *event) string {
	base := strings.TrimSuffix(strings.TrimSuffix(sanitizeLine(e.text("url")), "/"), functionsPath) + functionsPath
	functions := e.list("functions")
	for _, f := range functions {
		p.nameWidth = max(p.nameWidth, min(20, len(f)))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", p.colors.bold.Sprint("Serving functions on "+base+"/<function-name>"))
	for _, f := range functions[:min(len(functions), maxBannerURLs)] {
		fmt.Fprintf(&b, " - %s\n", base+"/"+p.colors.function(f).Sprint(sanitizeLine(f)))
	}
	if more := len(functions) - maxBannerURLs; more > 0 {
		fmt.Fprintf(&b, " … and %d more\n", more)
	}
	if len(functions) == 0 {
		b.WriteString(" no functions yet: make one with brink functions new hello\n")
	}
	b.WriteByte('\n')
	for _, row := range [][2]string{{"policy", "policy"}, {"engine", "engine"}, {"limits", "limits"}, {"project", "project"}} {
		if text := sanitizeLine(e.text(row[1])); text != "" {
			fmt.Fprintf(&b, "%s %s\n", p.colors.dim.Sprintf("%-8s", row[0]), text)
		}
	}
	if p.opts.Interactive {
		fmt.Fprintf(&b, "%s %s\n", p.colors.dim.Sprintf("%-8s", "keys"), "r restart · p switch policy · c clear · q quit · ? help")
	}
	return b.String() + "\n"
}

// request is the ledger's line: what was asked, what came of it, what it cost.
func (p *printer) request(e *event) string {
	status, _ := e.number("status")
	duration, _ := e.number("duration_ms")
	path := strings.TrimPrefix(strings.TrimPrefix(sanitizeLine(e.text("path")), functionsPath), "/")
	line := fmt.Sprintf("%s%s %s %s %s", p.clock(e.time), sanitizeLine(e.text("method")), path,
		p.colors.status(int(status)).Sprintf("%.0f", status), milliseconds(duration))
	if code, ok := e.number("close_code"); ok {
		line += fmt.Sprintf(" closed %.0f", code)
	}
	var costs []string
	if ms, ok := e.number("cpu_ms"); ok {
		costs = append(costs, p.cost("cpu", milliseconds(ms), e, "cpu_share"))
	}
	memory, ok := e.number("peak_bytes")
	if !ok {
		memory, ok = e.number("memory_bytes")
	}
	if ok {
		costs = append(costs, p.cost("mem", megabytes(memory), e, "memory_share"))
	}
	if ms, ok := e.number("wall_ms"); ok {
		if share, _ := e.number("wall_share"); share >= 0.5 { // a young worker's age is no news
			costs = append(costs, p.cost("age", milliseconds(ms), e, "wall_share"))
		}
	}
	if len(costs) > 0 {
		line += "  " + strings.Join(costs, " ")
	}
	if id := shortID(e.text("request_id")); id != "" {
		line += "  " + p.colors.dim.Sprint(id)
	}
	line += "\n"
	causeColor := p.colors.dim
	if status >= 400 {
		causeColor = p.colors.status(int(status))
	}
	line += p.below(e.text("cause"), causeColor)
	return line + p.below(e.text("would"), p.colors.yellow)
}

// cost writes one column of the ledger; from half of the limit on it is
// coloured and says how near the limit it is.
func (p *printer) cost(label, amount string, e *event, shareKey string) string {
	text := label + " " + amount
	share, _ := e.number(shareKey)
	c := p.colors.share(share)
	if c == nil {
		return p.colors.dim.Sprint(text)
	}
	return c.Sprintf("%s (%.0f%%)", text, share*100)
}

// below writes a remark on the line before.
func (p *printer) below(text string, c *color.Color) string {
	if text == "" {
		return ""
	}
	return clockIndent + c.Sprint("↳ "+strings.ReplaceAll(p.trusted(text), "\n", "\n"+clockIndent+"  ")) + "\n"
}

// trusted makes a text of several lines safe, without its colours.
func (p *printer) trusted(text string) string { return strings.TrimSpace(sanitize(text, false)) }

// log is one line of a function's own output.
func (p *printer) log(e *event) string {
	function := sanitizeLine(e.text("function"))
	p.nameWidth = max(p.nameWidth, min(20, len(function)))
	name := fmt.Sprintf("%-*s", p.nameWidth, function)
	level, c := "info ", (*color.Color)(nil)
	switch e.text("level") {
	case "debug":
		level, c = "debug", p.colors.dim
	case "warning", "warn":
		level, c = "warn ", p.colors.yellow
	case "error":
		level, c = "error", p.colors.red
	}
	if c != nil {
		level = c.Sprint(level)
	}
	lines := strings.Split(strings.TrimRight(sanitize(e.text("message"), p.opts.Color), "\n"), "\n")
	id, idWidth := "", 0
	if short := shortID(e.text("request_id")); short != "" {
		id, idWidth = p.colors.dim.Sprint(short)+" ", len(short)+1
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s │ %s%s %s\n", p.clock(e.time), p.colors.function(function).Sprint(name), id, level, lines[0])
	for _, more := range lines[1:] {
		fmt.Fprintf(&b, "%s%*s │ %*s      %s\n", clockIndent, len(name), "", idWidth, "", more)
	}
	return b.String()
}

// quietEnds are the everyday ends of workers, and those that a fault has told
// of already; they are shown with --verbose only.
var quietEnds = []string{
	policy.ReasonLoadFailed.String(), policy.ReasonEvaluateFailed.String(),
	policy.ReasonRequestEnded.String(), policy.ReasonUnused.String(), policy.ReasonTermination.String(), policy.ReasonRestarted.String(),
}

// worker tells of a worker's boot or end.
func (p *printer) worker(e *event) string {
	state, reason := sanitizeLine(e.text("state")), sanitizeLine(e.text("reason"))
	if !p.opts.Verbose && (state != "ended" || slices.Contains(quietEnds, reason)) {
		return ""
	}
	text := sanitizeLine(e.text("function")) + " worker " + shortID(e.text("worker")) + " " + state
	if reason != "" && reason != policy.ReasonNone.String() {
		text += " (" + reason + ")"
	}
	if ms, ok := e.number("boot_ms"); ok && state == "booted" {
		text += " in " + milliseconds(ms)
	}
	if state == "ended" {
		text += workerAccount(e)
	}
	c := p.colors.dim
	switch reason {
	case policy.ReasonWallClock.String(), policy.ReasonCPU.String(), policy.ReasonMemory.String(), policy.ReasonCrashed.String():
		c = p.colors.yellow
	}
	return p.clock(e.time) + c.Sprint(text) + "\n"
}

// workerAccount sums up a worker's life.
func workerAccount(e *event) string {
	var parts []string
	if n, ok := e.number("age_ms"); ok {
		parts = append(parts, "age "+milliseconds(n))
	}
	if n, ok := e.number("cpu_ms"); ok {
		parts = append(parts, "cpu "+milliseconds(n))
	}
	if n, ok := e.number("memory_bytes"); ok {
		parts = append(parts, "mem "+megabytes(n))
	}
	if n, ok := e.number("requests"); ok {
		parts = append(parts, plural(int(n), "request"))
	}
	if n, ok := e.number("sockets"); ok && n > 0 {
		parts = append(parts, plural(int(n), "socket"))
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// stale says which function runs old code, and how to change that.
func (p *printer) stale(e *event) string {
	function := sanitizeLine(e.text("function"))
	var files []string
	for _, f := range e.list("files") {
		files = append(files, sanitizeLine(filepath.Base(f)))
	}
	if len(files) > 3 {
		files = append(files[:3], fmt.Sprintf("%d more", len(files)-3))
	}
	changed := ""
	if len(files) > 0 {
		changed = " (" + strings.Join(files, ", ") + " changed)"
	}
	how := "run brink functions restart " + function
	if p.opts.Interactive {
		how = "press r, or " + how
	}
	return p.clock(e.time) + p.colors.yellow.Sprintf("%s is stale%s: %s", function, changed, how) + "\n"
}

func (p *printer) restarted(e *event) string {
	functions := e.list("functions")
	for _, f := range functions {
		delete(p.faults, f)
	}
	what := sanitizeLine(strings.Join(functions, ", "))
	if what == "" {
		return p.clock(e.time) + "nothing to restart: the next request reads the code as it is\n"
	}
	ms, _ := e.number("duration_ms")
	return p.clock(e.time) + p.colors.green.Sprintf("restarted %s%s", what, took(ms)) + "\n"
}

// fault shows why a function's code failed, with the code frame as the engine
// wrote it. The same fault again is one line.
func (p *printer) fault(e *event) string {
	function := sanitizeLine(e.text("function"))
	headline := map[string]string{
		"load":     "does not load",
		"evaluate": "failed while it was being loaded",
		"run":      "failed",
	}[e.text("phase")]
	if headline == "" {
		headline = "failed"
	}
	head := p.clock(e.time) + p.colors.badRed.Sprint("error:") + " " + p.colors.bold.Sprint(function+" "+headline)
	text := sanitize(faultText(e), p.opts.Color)
	if p.faults[function] == text {
		return head + " as before\n"
	}
	p.faults[function] = text
	if text == "" {
		return head + "\n"
	}
	return head + "\n" + text + "\n"
}

// faultText joins name, message and stack; V8's stacks begin with the first two.
func faultText(e *event) string {
	name, message, stack := e.text("name"), strings.TrimRight(e.text("message"), "\n"), strings.TrimRight(e.text("stack"), "\n")
	if message != "" && strings.Contains(stack, message) {
		return stack
	}
	if name != "" && !strings.Contains(message, name) {
		message = strings.TrimSuffix(name+": "+message, ": ")
	}
	return strings.Trim(message+"\n"+stack, "\n")
}

// notice is a message of brink's own.
func (p *printer) notice(e *event, label string) string {
	message := p.trusted(e.text("message"))
	if function := sanitizeLine(e.text("function")); function != "" && !strings.HasPrefix(message, function) {
		message = function + ": " + message
	}
	return p.clock(e.time) + label + " " + strings.ReplaceAll(message, "\n", "\n"+clockIndent) + "\n"
}

// other shows a record of an unknown kind, so that nothing logged is lost.
func (p *printer) other(e *event) string {
	var text strings.Builder
	text.WriteString(sanitizeLine(e.kind))
	for _, a := range e.attrs {
		text.WriteString(" " + sanitizeLine(a.Key+"="+a.Value.String()))
	}
	return p.clock(e.time) + p.colors.dim.Sprint(text.String()) + "\n"
}

// shortID is the part of an id that people compare.
func shortID(id string) string {
	id = sanitizeLine(id)
	return id[:min(8, len(id))]
}
