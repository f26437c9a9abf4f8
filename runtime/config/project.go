package config

import (
	"fmt"
	"math"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"brink/policy"
)

// project decodes what identifies the project and where it is served.
func (l *loader) project(c *Config) {
	c.Root, c.Dir, c.Path, c.FunctionsDir = l.root, l.dir, l.configPath, l.functionsDir
	l.projectID(c)
	host := key{flag: "--host", given: l.flags.Host, env: []string{"BRINK_HOST"}}
	read(l, host, &c.Host, asHost)
	port := supabaseKey("api", "port")
	port.flag, port.given, port.env = "--port", l.flags.Port, append([]string{"BRINK_PORT"}, port.env...)
	if _, set := l.find(key{given: l.flags.Port, env: []string{"BRINK_PORT"}}); set {
		read(l, port, &c.Port, asPort(0))
	} else {
		read(l, port, &c.Port, asPort(1))
	}
	read(l, supabaseKey("db", "port"), &c.DBPort, asPort(1))
}

var notProjectID = regexp.MustCompile(`[^a-zA-Z0-9_.-]+`)

// projectID decodes project_id. It names containers in the Supabase CLI, so
// only some characters are allowed; the others are replaced as there.
func (l *loader) projectID(c *Config) {
	c.ProjectID = sanitizeProjectID(filepath.Base(l.root))
	id := ""
	s, set := read(l, supabaseKey("project_id"), &id, asString)
	if !set {
		return
	}
	if id == "" {
		l.fault(s.at, "Missing required field in config: project_id; write a name, or leave the key out to use the folder's")
		return
	}
	clean := sanitizeProjectID(id)
	if clean != id {
		l.warn(s.at, "project_id field in config is invalid. Auto-fixing to "+clean)
	}
	c.ProjectID = clean
}

func sanitizeProjectID(id string) string {
	id = strings.TrimLeft(notProjectID.ReplaceAllString(id, "_"), "_.-")
	return id[:min(len(id), 40)]
}

// edgeRuntime decodes [edge_runtime] and what brink adds to it.
func (l *loader) edgeRuntime(c *Config) {
	f := l.flags
	kind := supabaseKey("edge_runtime", "policy")
	kind.flag, kind.given, kind.env = "--policy", f.Policy, append([]string{"BRINK_POLICY"}, kind.env...)
	read(l, kind, &c.Policy, asChoice(policy.KindNames, policy.ParseKind))
	var ignored bool // `functions serve` serves whether the runtime is enabled or not
	read(l, supabaseKey("edge_runtime", "enabled"), &ignored, asBool)
	read(l, supabaseKey("edge_runtime", "inspector_port"), &c.InspectorPort, asPort(1))
	l.denoVersion(c)
	read(l, brinkKey("", "reload", f.Reload), &c.Reload, asReload)
	read(l, brinkKey("", "plan", f.Plan), &c.Plan, asChoice(policy.PlanNames, policy.ParsePlan))
	read(l, brinkKey("", "parity", f.Parity), &c.Parity, asChoice(policy.ParityNames, policy.ParseParity))
	read(l, brinkKey("", "time_scale", f.TimeScale), &c.TimeScale, asTimeScale)
	read(l, brinkKey("", "spare", f.Spare), &c.Spare, asInt("a number of spare workers", 0, 64))
	read(l, brinkKey("", "drain_timeout", f.DrainTimeout), &c.DrainTimeout, asDuration(time.Second, time.Millisecond, true))
	read(l, brinkKey("", "upstream", f.Upstream), &c.Upstream, asUpstream)
}

func (l *loader) denoVersion(c *Config) {
	s, set := read(l, supabaseKey("edge_runtime", "deno_version"), &c.DenoVersion, asInt("a version of Deno", math.MinInt32, math.MaxInt32))
	switch {
	case !set || c.DenoVersion == 2:
	case c.DenoVersion == 1:
		l.warn(s.at, "brink runs functions on Deno 2, as the hosted platform does; write 2")
	case c.DenoVersion == 0:
		l.fault(s.at, "Missing required field in config: edge_runtime.deno_version; allowed is 2")
	default:
		l.fault(s.at, fmt.Sprintf("Invalid edge_runtime.deno_version: %d.; allowed is 2", c.DenoVersion))
	}
}

// ReloadNames are the accepted spellings of `reload = "…"`.
var ReloadNames = []string{"manual", "auto"}

// String returns the spelling used in configuration.
func (r Reload) String() string {
	if r == ReloadAuto {
		return "auto"
	}
	return "manual"
}

// ParseReload reads one of ReloadNames.
func ParseReload(s string) (Reload, error) {
	switch s {
	case "manual":
		return ReloadManual, nil
	case "auto":
		return ReloadAuto, nil
	}
	return 0, fmt.Errorf("reload is %q: allowed are %s", s, strings.Join(ReloadNames, ", "))
}

var asReload = asChoice(ReloadNames, ParseReload)

func asTimeScale(v any) (float64, error) {
	n, err := asNumber(v)
	if err != nil || n < 1 || n > 100_000 {
		return 0, fmt.Errorf("not a time scale; allowed are numbers from 1 to 100000, and 20 makes 400 s last 20 s")
	}
	return n, nil
}

func asHost(v any) (string, error) {
	host, _ := v.(string)
	trimmed := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if net.ParseIP(trimmed) != nil {
		return trimmed, nil
	}
	if host == "" || strings.ContainsAny(host, " /:") {
		return "", fmt.Errorf("not an address to listen on; allowed are IP addresses and host names, 127.0.0.1 for this machine only")
	}
	return host, nil
}

// asUpstream takes the base URL of a Supabase; "" means none.
func asUpstream(v any) (string, error) {
	text, isText := v.(string)
	if isText && text == "" {
		return "", nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("not the URL of a Supabase; allowed are URLs like http://127.0.0.1:54331 or https://<ref>.supabase.co")
	}
	return strings.TrimRight(text, "/"), nil
}

// validate checks what no single key can show.
func (l *loader) validate(c *Config) {
	if l.isSelf(c) {
		s, _ := l.find(brinkKey("", "upstream", l.flags.Upstream))
		l.fault(s.at, fmt.Sprintf("this is brink's own address; serve brink on another port with --port, or name the port of the other Supabase (brink's is %d)", c.Port))
	}
}

// isSelf says whether upstream leads back to brink, which would relay in a circle.
func (l *loader) isSelf(c *Config) bool {
	u, err := url.Parse(c.Upstream)
	if err != nil || c.Upstream == "" || c.Port == 0 || u.Port() != strconv.Itoa(c.Port) {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || u.Hostname() == c.Host || ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}
