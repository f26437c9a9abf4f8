package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"brink/policy"
	"brink/runtime/config"
)

// ListOptions are the flags of `brink functions list`.
type ListOptions struct {
	Project config.Options
	JSON    bool
}

const listExamples = `Shows the limits that apply to each function, and its workers while brink serves.

Examples:
  brink functions list
  brink functions list --json`

func listCommand(h handlers, o *IO) *cli.Command {
	return &cli.Command{
		Name: "list", Usage: "List the project's functions and their limits.", Description: listExamples,
		Flags: append([]cli.Flag{boolFlag("", "json", "one JSON document")}, projectFlags()...),
		Action: func(c *cli.Context) error {
			if err := noArgs(c, "brink functions list"); err != nil {
				return err
			}
			return h.list(c.Context, ListOptions{Project: projectOptions(c, o), JSON: c.Bool("json")}, o)
		},
	}
}

// statusReply is the answer to GET /status.
type statusReply struct {
	URL       string           `json:"url,omitempty"` // empty: brink is not serving
	Policy    string           `json:"policy"`
	Functions []statusFunction `json:"functions"`
}

// statusFunction is one function of a statusReply.
type statusFunction struct {
	Name      string         `json:"name"`
	Language  string         `json:"language,omitempty"`
	VerifyJWT bool           `json:"verify_jwt"`
	Limits    string         `json:"limits,omitempty"` // as limitsText writes them
	Stale     bool           `json:"stale,omitempty"`
	Workers   []statusWorker `json:"workers"`
}

// statusWorker is one worker of a statusFunction.
type statusWorker struct {
	ID          string  `json:"id"`
	State       string  `json:"state"`
	AgeMS       float64 `json:"age_ms"`
	CPUMS       float64 `json:"cpu_ms"`
	MemoryBytes int64   `json:"memory_bytes"`
	Requests    int     `json:"requests"`
	Sockets     int     `json:"sockets"`
}

func list(ctx context.Context, opts ListOptions, o *IO) error {
	status, err := currentStatus(ctx, opts, o)
	if err != nil {
		return fmt.Errorf("cannot list the functions: %w", err)
	}
	if opts.JSON {
		enc := json.NewEncoder(o.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(status)
	}
	return writeStatus(o.Stdout, status)
}

// currentStatus asks the brink that serves the project, or else reads the
// project's files.
func currentStatus(ctx context.Context, opts ListOptions, o *IO) (statusReply, error) {
	client, err := controlFor(opts.Project, o)
	if err != nil {
		return statusReply{}, err
	}
	var status statusReply
	err = client.explain(client.Status(ctx, &status))
	if _, ok := errors.AsType[*notServingError](err); !ok {
		return status, err
	}
	opts.Project.AllowEmpty = true
	cfg, err := config.Load(opts.Project)
	if err != nil {
		return statusReply{}, err
	}
	return configuredStatus(cfg, scaledLimits), nil
}

// configuredStatus describes the functions of a project; serving adds its URL
// and its workers. limits says which apply to a function.
func configuredStatus(cfg *config.Config, limits func(*config.Config, config.Function) policy.Limits) statusReply {
	status := statusReply{Policy: cfg.Policy.String(), Functions: []statusFunction{}}
	for _, f := range cfg.Functions {
		status.Functions = append(status.Functions, statusFunction{
			Name: f.Name, Language: f.Language.String(), VerifyJWT: f.VerifyJWT,
			Limits: limitsText(limits(cfg, f)), Workers: []statusWorker{},
		})
	}
	return status
}

// scaledLimits returns the limits that serving f would apply. A function in Go
// writes where the user may, so that no quota holds for it.
func scaledLimits(cfg *config.Config, f config.Function) policy.Limits {
	l := f.Limits.Scaled(cfg.TimeScale)
	if f.Language == config.Go {
		l.TmpQuota = 0
	}
	return l
}

// writeStatus prints the table for people.
func writeStatus(w io.Writer, s statusReply) error {
	if len(s.Functions) == 0 {
		_, err := fmt.Fprintln(w, "no functions; make one with brink functions new hello")
		return err
	}
	if s.URL != "" {
		fmt.Fprintf(w, "serving on %s, policy %s\n\n", s.URL, s.Policy)
	} else {
		fmt.Fprintf(w, "not being served; policy %s\n\n", s.Policy)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tLANGUAGE\tTOKEN\tWORKERS\tLIMITS")
	for _, f := range s.Functions {
		tokenNeed := "no"
		if f.VerifyJWT {
			tokenNeed = "needed"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", f.Name, orDash(f.Language), tokenNeed, workersText(f, s.URL != ""), orDash(f.Limits))
	}
	return table.Flush()
}

// workersText sums up a function's workers in one cell.
func workersText(f statusFunction, served bool) string {
	if !served {
		return "-"
	}
	requests, sockets := 0, 0
	var oldest float64
	for _, w := range f.Workers {
		requests += w.Requests
		sockets += w.Sockets
		oldest = max(oldest, w.AgeMS)
	}
	text := fmt.Sprint(len(f.Workers))
	var details []string
	if sockets > 0 {
		details = append(details, plural(sockets, "socket"))
	}
	if requests > 0 {
		details = append(details, plural(requests, "request"))
	}
	if len(f.Workers) > 0 {
		details = append(details, "up "+(time.Duration(oldest)*time.Millisecond).Round(time.Second).String())
	}
	if f.Stale {
		details = append(details, "stale")
	}
	if len(details) > 0 {
		text += " (" + strings.Join(details, ", ") + ")"
	}
	return text
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
