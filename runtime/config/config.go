package config

import (
	"time"

	"brink/policy"
)

// Language says which kind of worker runs a function.
type Language uint8

const (
	// JavaScript covers .ts .tsx .js .jsx .mjs .cjs, run by Deno.
	JavaScript Language = iota
	// Go is a package with an exported Handler, compiled.
	Go
)

// String returns "javascript" or "go".
func (l Language) String() string {
	if l == Go {
		return "go"
	}
	return "javascript"
}

// Config is one project's configuration, validated. It is a value: Load makes a
// new one for each reading, and nothing in it changes afterwards.
type Config struct {
	ProjectID string
	Root      string // absolute: the workdir; holds supabase/ or config.toml itself
	Dir       string // absolute: the folder of config.toml; functions/ is beside it
	Path      string // absolute path of config.toml; "" when the project has none
	// FunctionsDir is the absolute path of the functions folder. New functions
	// appear in it, and so it has to be watched as a whole.
	FunctionsDir string
	// Sources are the files this configuration was read from, or would have
	// been had they existed: config.toml, brink.toml, env files. Absolute.
	Sources []string

	Host     string // address to listen on
	Port     int    // [api] port; 0 (only by flag or BRINK_PORT) takes a free one
	DBPort   int    // [db] port, for SUPABASE_DB_URL
	Upstream string // base URL of a real Supabase, or ""

	Policy        policy.Kind
	InspectorPort int
	DenoVersion   int
	Reload        Reload
	Plan          policy.Plan
	Parity        policy.Parity
	TimeScale     float64
	Spare         int           // spares for each function in use
	DrainTimeout  time.Duration // how long a draining worker's sockets stay open

	Auth Auth
	// Functions are the enabled ones, by name. Disabled names are in Disabled.
	Functions []Function
	Disabled  []string
	// Warnings are faults that do not stop brink, in file order.
	Warnings []Fault
}

// Reload says whether per_worker functions restart by themselves on edits.
type Reload uint8

const (
	// ReloadManual reports stale functions and waits for r or a restart.
	ReloadManual Reload = iota
	// ReloadAuto restarts them.
	ReloadAuto
)

// Auth is what [auth] says about keys and tokens.
type Auth struct {
	JWTSecret       string // the local stack's well-known one unless configured
	AnonKey         string // as configured; "" means: derive from the secret
	ServiceRoleKey  string // as configured; "" means: derive
	PublishableKey  string // the local stack's well-known one unless configured
	SecretKey       string // the local stack's well-known one unless configured
	SigningKeysPath string // absolute, or ""
	JWTIssuer       string // as configured; "" means: the API's URL and /auth/v1
	JWTExpiry       time.Duration
	ThirdParty      []ThirdParty // enabled providers; at most one passes validation
}

// ThirdParty is one enabled third-party token issuer.
type ThirdParty struct {
	Provider string // firebase, auth0, aws_cognito, clerk, workos
	Issuer   string // URL; its discovery document names the JWKS
}

// Function is one enabled function.
type Function struct {
	Name       string
	Language   Language
	Entrypoint string // absolute path of the file; for Go, of the package's folder
	Dir        string // absolute: the entrypoint's folder
	// ImportMap is the absolute path of the import map or deno.json(c) that
	// Deno does not find by itself from the entrypoint, or "".
	ImportMap string
	// DenoConfig is the deno.json(c) beside the entrypoint, or "".
	DenoConfig string
	// UsePackageJSON is set when package.json stands beside the entrypoint and
	// no import map or deno.json is set; only then is package.json looked at.
	UsePackageJSON bool
	StaticFiles    []string // absolute glob patterns
	VerifyJWT      bool
	// Env is the function's own environment, all sources merged (secrets, env
	// files, per-function env); brink's SUPABASE_* names are not in it.
	Env map[string]string
	// Limits are as configured; Config.TimeScale is not applied to them.
	Limits policy.Limits
	Parity policy.Parity
	Reload Reload
	// Watch are absolute files and folders outside Dir whose change concerns
	// this function: import map, env files.
	Watch []string
}

// Fault is one problem in the configuration, with its place.
type Fault struct {
	File    string // absolute path, or "" for flags and environment
	Line    int    // 1-based; 0 when the place is not known
	Col     int    // 1-based; 0 unless the file is not valid TOML
	Key     string // dotted: edge_runtime.policy
	Value   string // as written, quoted; "" when there is none
	Message string // what is wrong and what is allowed
}
