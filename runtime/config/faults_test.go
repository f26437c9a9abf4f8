package config_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"brink/policy"
	"brink/runtime/config"
)

func TestFaultsNamePlaceValueAndWhatIsAllowed(t *testing.T) {
	const file = "supabase/config.toml"
	for name, tt := range map[string]struct{ toml, want string }{
		"policy":               {"[edge_runtime]\npolicy = \"per_workr\"", file + `:2: edge_runtime.policy = "per_workr": not a known value (did you mean "per_worker"?); allowed are per_request, per_worker, oneshot`},
		"policy of wrong type": {"[edge_runtime]\npolicy = 1", file + `:2: edge_runtime.policy = 1: not a known value; allowed are per_request, per_worker, oneshot`},
		"deno 0":               {"[edge_runtime]\ndeno_version = 0", file + `:2: edge_runtime.deno_version = 0: Missing required field in config: edge_runtime.deno_version; allowed is 2`},
		"deno 3":               {"[edge_runtime]\ndeno_version = 3", file + `:2: edge_runtime.deno_version = 3: Invalid edge_runtime.deno_version: 3.; allowed is 2`},
		"inspector port":       {"[edge_runtime]\ninspector_port = 70000", file + `:2: edge_runtime.inspector_port = 70000: not a port; allowed are 1 to 65535`},
		"api port 0":           {"[api]\nport = 0", file + `:2: api.port = 0: not a port; allowed are 1 to 65535`},
		"api port text":        {"[api]\nport = \"abc\"", file + `:2: api.port = "abc": not a port; allowed are 1 to 65535`},
		"project id":           {`project_id = ""`, file + `:1: project_id = "": Missing required field in config: project_id; write a name, or leave the key out to use the folder's`},
		"project id type":      {`project_id = 1`, file + `:1: project_id = 1: a number is not a string; put it in quotation marks`},
		"slug":                 {"[functions.1bad]", file + `:1: functions.1bad: Invalid Function name: 1bad. Must start with at least one letter, and only include alphanumeric characters, underscores, and hyphens. (^[A-Za-z][A-Za-z0-9_-]*$)`},
		"function text":        {"[functions]\nhello = \"x\"", file + `:2: functions.hello = "x": a string is not a table; write [functions.hello] with its keys below`},
		"functions number":     {"functions = 1", file + `:1: functions = 1: Invalid functions config format; functions are tables, written [functions.<function-name>] with their keys below`},
		"functions array":      {"[[functions]]\nx = 1", file + `:1: functions: Invalid functions config format; functions are tables, written [functions.<function-name>] with their keys below`},
		"edge_runtime":         {"edge_runtime = true", file + `:1: edge_runtime = true: a boolean is not a table; write [edge_runtime] with its keys below`},
		"verify_jwt":           {"[functions.hello]\nverify_jwt = \"maybe\"", file + `:2: functions.hello.verify_jwt = "maybe": not a boolean; allowed are true and false`},
		"verify_jwt unset":     {"[functions.hello]\nverify_jwt = \"env(NOPE)\"", file + `:2: functions.hello.verify_jwt = "env(NOPE)": environment variable is unset: NOPE; set it, or write the value here`},
		"enabled":              {"functions.hello.enabled = []", file + `:1: functions.hello.enabled = []: not a boolean; allowed are true and false`},
		"entrypoint type":      {"[functions]\nhello = { entrypoint = 3 }", file + `:2: functions.hello.entrypoint = 3: a number is not a string; put it in quotation marks`},
		"entrypoint kind":      {"[functions.hello]\nentrypoint = \"main.py\"", file + `:2: functions.hello.entrypoint = "main.py": not a file that can be run; allowed are .ts .tsx .js .jsx .mjs .cjs .go, or the folder of a Go function`},
		"import map":           {"[functions.hello]\nimport_map = \"./nope.json\"", file + `:2: functions.hello.import_map = "./nope.json": failed to load import map: open ./nope.json: no such file or directory; allowed is the path of an import map or a deno.json`},
		"static files":         {"[functions.hello]\nstatic_files = [1]", file + `:2: functions.hello.static_files = [1]: item 1 is a number; allowed is an array of strings`},
		"static pattern":       {"[functions.hello]\nstatic_files = [\"a[\"]", file + `:2: functions.hello.static_files = ["a["]: "a[" is not a pattern; allowed are paths with *, ** and ?, relative to config.toml`},
		"function env":         {"[functions.hello]\nenv = \"x\"", file + `:2: functions.hello.env: a string is not a table; write [functions.hello.env] with NAME = "env(NAME)" below`},
		"secret number":        {"[edge_runtime.secrets]\nA = 12345", file + `:2: edge_runtime.secrets.A: a number is not a string; put it in quotation marks`},
		"jwt secret":           {"[auth]\njwt_secret = \"hidden\"", file + `:2: auth.jwt_secret: Invalid config for auth.jwt_secret. Must be at least 16 characters`},
		"jwt secret type":      {"[auth]\njwt_secret = 1234567890123456", file + `:2: auth.jwt_secret: a number is not a string; put it in quotation marks`},
		"encrypted":            {"[auth]\njwt_secret = \"encrypted:hidden\"", file + `:2: auth.jwt_secret: encrypted values cannot be read; allowed is the text itself or env(NAME)`},
		"jwt expiry":           {"[auth]\njwt_expiry = \"1h\"", file + `:2: auth.jwt_expiry = "1h": not a number of seconds; allowed are whole numbers from 1`},
		"signing keys":         {"[auth]\nsigning_keys_path = \"./nope.json\"", file + `:2: auth.signing_keys_path = "./nope.json": failed to read signing keys: open supabase/nope.json: no such file or directory`},
		"signing keys format":  {"[auth]\nsigning_keys_path = \"./object.json\"", file + `:2: auth.signing_keys_path = "./object.json": failed to decode signing keys: Expected array; allowed is a JSON array of private keys (JWK)`},
		"firebase":             {"[auth.third_party.firebase]\nenabled = true", file + `:2: auth.third_party.firebase.enabled = true: Invalid config: auth.third_party.firebase is enabled but without a project_id.`},
		"two providers": {"[auth.third_party]\nclerk = { enabled = true, domain = \"a.test\" }\nworkos = { enabled = \"true\", issuer_url = \"https://b.test\" }",
			file + `:3: auth.third_party.workos.enabled = "true": Invalid config: Only one third_party provider allowed to be enabled at a time.`},
		"reload":            {"[edge_runtime]\nreload = \"always\"", file + `:2: edge_runtime.reload = "always": not a known value; allowed are manual, auto`},
		"plan":              {"[edge_runtime]\nplan = \"fre\"", file + `:2: edge_runtime.plan = "fre": not a known value (did you mean "free"?); allowed are pro, free`},
		"limits":            {"[functions.hello]\nlimits = \"none\"", file + `:2: functions.hello.limits = "none": not a known value; allowed are enforce, warn, off`},
		"parity":            {"[functions.hello]\nparity = true", file + `:2: functions.hello.parity = true: not a known value; allowed are relaxed, strict`},
		"duration":          {"[edge_runtime]\nwall_clock = \"long\"", file + `:2: edge_runtime.wall_clock = "long": not a duration; allowed are durations like "1m30s" or a number of seconds, the smallest possible is 100ms (0 turns it off)`},
		"short":             {"[edge_runtime]\nwall_clock = \"1ms\"", file + `:2: edge_runtime.wall_clock = "1ms": too short; the smallest possible is 100ms (0 turns it off)`},
		"negative":          {"[functions.hello]\nidle_timeout = -1", file + `:2: functions.hello.idle_timeout = -1: too short; the smallest possible is 10ms (0 turns it off)`},
		"cpu duration":      {"[functions.hello]\ncpu_hard = \"2 s\"", file + `:2: functions.hello.cpu_hard = "2 s": not a duration; allowed are durations like "1500ms" or a number of milliseconds, the smallest possible is 10ms (0 turns it off)`},
		"memory":            {"[functions.hello]\nmemory = \"16MB\"", file + `:2: functions.hello.memory = "16MB": too small; the smallest possible is 32MB`},
		"memory size":       {"[edge_runtime]\nmemory = \"lots\"", file + `:2: edge_runtime.memory = "lots": not a size; allowed are sizes like "256MB" or a number of MB, the smallest possible is 32MB`},
		"tmp quota":         {"[edge_runtime]\ntmp_quota = 0", file + `:2: edge_runtime.tmp_quota = 0: too small; the smallest possible is 1MB`},
		"soft over hard":    {"[edge_runtime]\ncpu_hard = 1000\ncpu_soft = 1500", file + `:3: edge_runtime.cpu_soft = 1500: 1.5s is above cpu_hard of 1s; allowed is at most 1s, or a cpu_hard whose smallest possible value is 1.5s`},
		"soft over default": {"[functions.hello]\ncpu_soft = \"5s\"", file + `:2: functions.hello.cpu_soft = "5s": 5s is above cpu_hard's default of 2s; allowed is at most 2s, or a cpu_hard whose smallest possible value is 5s`},
		"time scale":        {"[edge_runtime]\ntime_scale = 0.5", file + `:2: edge_runtime.time_scale = 0.5: not a time scale; allowed are numbers from 1 to 100000, and 20 makes 400 s last 20 s`},
		"spare":             {"[edge_runtime]\nspare = -1", file + `:2: edge_runtime.spare = -1: not a number of spare workers; allowed are 0 to 64`},
		"upstream":          {"[edge_runtime]\nupstream = \"localhost\"", file + `:2: edge_runtime.upstream = "localhost": not the URL of a Supabase; allowed are URLs like http://127.0.0.1:54331 or https://<ref>.supabase.co`},
		"upstream self":     {"[edge_runtime]\nupstream = \"http://localhost:54321\"", file + `:2: edge_runtime.upstream = "http://localhost:54321": this is brink's own address; serve brink on another port with --port, or name the port of the other Supabase (brink's is 54321)`},
		"syntax":            {"[api]\nport = = 1", file + `:2:8: not valid TOML: expected value but found '=' instead`},
		"duplicate":         {"a = 1\na = 2", file + `:2:7: not valid TOML: Key 'a' has already been defined.`},
		"all disabled":      {"[functions.hello]\nenabled = false", file + `: every function is disabled: hello; write enabled = true for one of them`},
	} {
		t.Run(name, func(t *testing.T) {
			got := hello(tt.toml).with(files{"supabase/object.json": "{}"}).faults(t, config.Options{})
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestFlagsAndEnvironmentAreNamedInFaults(t *testing.T) {
	bad := new("x y")
	for name, tt := range map[string]struct {
		o    config.Options
		want string
	}{
		"policy":       {config.Options{Flags: config.Flags{Policy: bad}}, `--policy = "x y": not a known value; allowed are per_request, per_worker, oneshot`},
		"port":         {config.Options{Flags: config.Flags{Port: bad}}, `--port = "x y": not a port; allowed are 0 to 65535`},
		"host":         {config.Options{Flags: config.Flags{Host: bad}}, `--host = "x y": not an address to listen on; allowed are IP addresses and host names, 127.0.0.1 for this machine only`},
		"cpu soft":     {config.Options{Flags: config.Flags{CPUSoft: new("3s")}}, `--cpu-soft = "3s": 3s is above cpu_hard's default of 2s; allowed is at most 2s, or a cpu_hard whose smallest possible value is 3s`},
		"drain":        {config.Options{Flags: config.Flags{DrainTimeout: bad}}, `--drain-timeout = "x y": not a duration; allowed are durations like "1m30s" or a number of seconds, the smallest possible is 1ms (0 turns it off)`},
		"memory":       {config.Options{Flags: config.Flags{Memory: new("31")}}, `--memory = "31": too small; the smallest possible is 32MB`},
		"import map":   {config.Options{Flags: config.Flags{ImportMap: new("flag.json")}}, `--import-map = "flag.json": failed to load import map: open flag.json: no such file or directory; allowed is the path of an import map or a deno.json`},
		"config":       {config.Options{ConfigPath: "nope.toml"}, `--config = "nope.toml": there is no such file; name a config.toml, or leave --config out to have it found`},
		"workdir":      {config.Options{Workdir: "nope"}, `--workdir = "nope": there is no such folder; name the folder that holds supabase/`},
		"workdir env":  {config.Options{Environ: []string{"SUPABASE_WORKDIR=nope"}}, `SUPABASE_WORKDIR = "nope": there is no such folder; name the folder that holds supabase/`},
		"env":          {config.Options{Environ: []string{"BRINK_WALL_CLOCK=x"}}, `BRINK_WALL_CLOCK = "x": not a duration; allowed are durations like "1m30s" or a number of seconds, the smallest possible is 100ms (0 turns it off)`},
		"function env": {config.Options{Environ: []string{"BRINK_FUNCTIONS_HELLO_MEMORY=1"}}, `BRINK_FUNCTIONS_HELLO_MEMORY = "1": too small; the smallest possible is 32MB`},
		"supabase env": {config.Options{Environ: []string{"SUPABASE_API_PORT=0"}}, `SUPABASE_API_PORT = "0": not a port; allowed are 1 to 65535`},
		"secret env":   {config.Options{Environ: []string{"SUPABASE_AUTH_JWT_SECRET=hidden"}}, `SUPABASE_AUTH_JWT_SECRET: Invalid config for auth.jwt_secret. Must be at least 16 characters`},
		"name":         {config.Options{Names: []string{"helo"}}, `there is no function "helo" (did you mean "hello"?); the functions are hello`},
		"other name":   {config.Options{Names: []string{"completely"}}, `there is no function "completely"; the functions are hello`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := hello("").faults(t, tt.o); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestAllFaultsAreReportedAtOnceInOrder(t *testing.T) {
	got := hello("[functions.hello]\nverify_jwt = 1.5\n[edge_runtime]\npolicy = \"x\"\n[auth]\njwt_secret = \"x\"\n").
		with(files{"supabase/brink.toml": "edge_runtime.memory = 1\n"}).
		faults(t, config.Options{Flags: config.Flags{Spare: new("many")}})
	var places []string
	for line := range strings.Lines(got) {
		place, _, _ := strings.Cut(line, ": ")
		places = append(places, place)
	}
	want := `--spare = "many" supabase/brink.toml:1 supabase/config.toml:2 supabase/config.toml:4 supabase/config.toml:6`
	if strings.Join(places, " ") != want {
		t.Errorf("got %q in\n%s", places, got)
	}
}

func TestABrokenEntrypointHidesNoOtherFaultOfItsFunction(t *testing.T) {
	got := hello("[functions.hello]\nentrypoint = 3\nverify_jwt = \"maybe\"\nstatic_files = 1\nmemory = \"lots\"\n").faults(t, config.Options{})
	for n, key := range []string{"entrypoint", "verify_jwt", "static_files", "memory"} {
		if want := fmt.Sprintf("supabase/config.toml:%d: functions.hello.%s = ", n+2, key); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestFilesOutsideTheCurrentFolderAreNamedInFull(t *testing.T) {
	root := hello("[api]\nport = 0").write(t)
	_, err := config.Load(config.Options{WorkDir: filepath.Join(root, "supabase", "functions")})
	if err == nil || !strings.HasPrefix(err.Error(), filepath.Join(root, "supabase", "config.toml")+":2: ") {
		t.Errorf("got %v", err)
	}
}

func TestDisabledFunctionAskedForByNameIsAFault(t *testing.T) {
	f := hello("[functions.hello]\nenabled = false").with(files{"supabase/functions/other/index.ts": ""})
	got := f.faults(t, config.Options{Names: []string{"hello"}})
	if want := `supabase/config.toml:2: functions.hello.enabled = false: function "hello" is disabled; write enabled = true to serve it`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if c := f.load(t, config.Options{}); names(c) != "other" || strings.Join(c.Disabled, " ") != "hello" {
		t.Errorf("functions %s, disabled %v", names(c), c.Disabled)
	}
}

func TestBrokenEnvFilesAreFaultsThatShowNothingOfThem(t *testing.T) {
	for name, tt := range map[string]struct {
		text, want string
	}{
		"name":  {"# c\nGOOD=1\n\nBAD-NAME=hidden\n", `supabase/.env:4: failed to parse environment file: .env (unexpected character '-' in variable name); allowed are lines of NAME=value`},
		"quote": {"M=\"a\nb\"\nBAD='hidden\nmore hidden\n", `supabase/.env:3: failed to parse environment file: .env (unterminated quoted value); allowed are lines of NAME=value`},
	} {
		t.Run(name, func(t *testing.T) {
			got := hello("").with(files{"supabase/.env": tt.text}).faults(t, config.Options{})
			if got != tt.want || strings.Contains(got, "hidden") {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			got = hello("").with(files{"supabase/functions/hello/.env": tt.text}).faults(t, config.Options{})
			if !strings.HasPrefix(got, "supabase/functions/hello/.env:") || strings.Contains(got, "hidden") {
				t.Errorf("got  %s", got)
			}
		})
	}
}

func TestMissingEnvFileFlagIsAFault(t *testing.T) {
	f := hello("")
	root := f.write(t)
	_, err := config.Load(config.Options{WorkDir: root, Flags: config.Flags{EnvFiles: []string{"nope.env"}}})
	want := `--env-file = "nope.env": failed to open env file: open ` + filepath.Join(root, "nope.env") + `: no such file or directory`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestMalformedImportMapIsAFault(t *testing.T) {
	f := hello("[functions.hello]\nimport_map = \"./map.json\"").with(files{"supabase/map.json": "{b}"})
	got := f.faults(t, config.Options{})
	if !strings.HasPrefix(got, `supabase/config.toml:2: functions.hello.import_map = "./map.json": failed to parse import map: line 1, column 2: `) {
		t.Errorf("got %s", got)
	}
}

func TestWarnings(t *testing.T) {
	const file = "supabase/config.toml"
	for name, tt := range map[string]struct {
		toml  string
		files files
		want  string
	}{
		"unknown runtime key":     {toml: "[edge_runtime]\npolcy = \"secret\"", want: file + `:2: edge_runtime.polcy: unknown key, ignored; did you mean "policy"?`},
		"unknown function key":    {toml: "[functions.hello]\nverify_jwtt = false", want: file + `:2: functions.hello.verify_jwtt: unknown key, ignored; did you mean "verify_jwt"?`},
		"unknown strange key":     {toml: "[functions.hello]\nzzz = 1", want: file + `:2: functions.hello.zzz: unknown key, ignored`},
		"runtime key in function": {toml: "[functions.hello]\npolicy = \"oneshot\"", want: file + `:2: functions.hello.policy: this holds for all functions and is ignored here; it belongs in [edge_runtime]`},
		"function key in runtime": {toml: "[edge_runtime]\nverify_jwt = false", want: file + `:2: edge_runtime.verify_jwt: this holds for one function and is ignored here; it belongs in [functions.<name>]`},
		"other sections":          {toml: "zzz = 1\n[api]\nzzz = 1\n[auth.zzz]\na = 1"},
		"deno 1":                  {toml: "[edge_runtime]\ndeno_version = 1", want: file + `:2: edge_runtime.deno_version = 1: brink runs functions on Deno 2, as the hosted platform does; write 2`},
		"project id":              {toml: `project_id = "_a b/c"`, want: file + `:1: project_id = "_a b/c": project_id field in config is invalid. Auto-fixing to a_b_c`},
		"secret unset":            {toml: "[edge_runtime.secrets]\na = \"env(NOPE)\"", want: file + `:2: edge_runtime.secrets.a: environment variable is unset: NOPE; functions do not get this one`},
		"secret reserved":         {toml: "[edge_runtime.secrets]\nsupabase_foo = \"x\"", want: file + `:2: Env name cannot start with SUPABASE_, skipping: SUPABASE_FOO`},
		"secret encrypted":        {toml: "[edge_runtime.secrets]\na = \"encrypted:x\"", want: file + `:2: edge_runtime.secrets.a: encrypted values cannot be read, and functions do not get this one; write env(NAME), or set it in functions/.env`},
		"env file reserved":       {files: files{"supabase/functions/.env": "SUPABASE_FOO=x\nsupabase_x=y"}, want: "supabase/functions/.env: Env name cannot start with SUPABASE_, skipping: SUPABASE_FOO"},
		"function env plain":      {toml: "[functions.hello.env]\nA = \"x\"", want: file + `:2: functions.hello.env.A: the Supabase CLI takes env(NAME) only and refuses this; keep the value in functions/hello/.env`},
		"missing entrypoint":      {toml: "[functions.cfgonly]", want: file + `:1: functions.cfgonly: failed to read file: open ROOT/supabase/functions/cfgonly/index.ts: no such file or directory; requests get 503 BOOT_ERROR until it is there`},
		"missing own entrypoint":  {toml: "[functions.hello]\nentrypoint = \"./x/main.js\"", want: file + `:2: functions.hello.entrypoint = "./x/main.js": failed to read file: open ROOT/supabase/x/main.js: no such file or directory; requests get 503 BOOT_ERROR until it is there`},
		"deprecated import map":   {files: files{"supabase/functions/hello/import_map.json": "{}", "supabase/functions/b/index.ts": "", "supabase/functions/b/import_map.json": "{}"}, want: "Functions using deprecated import_map.json (please migrate to deno.json): b, hello"},
		"fallback import map":     {files: files{"supabase/functions/import_map.json": "{}", "supabase/functions/b/index.ts": ""}, want: "Functions using fallback import map: b, hello\nPlease use recommended per function dependency declaration  https://supabase.com/docs/guides/functions/import-maps"},
		"bad folder":              {files: files{"supabase/functions/1num/index.ts": "", "supabase/functions/_shared/index.ts": "", "supabase/functions/.x/index.ts": "", "supabase/functions/no-code!/a.txt": ""}, want: `supabase/functions/1num: Invalid Function name: 1num. Must start with at least one letter, and only include alphanumeric characters, underscores, and hyphens. (^[A-Za-z][A-Za-z0-9_-]*$)`},
		"auth unset":              {toml: "[auth]\njwt_secret = \"env(NOPE)\"", want: file + `:2: auth.jwt_secret: environment variable is unset: NOPE; the default is used`},
		"provider unset":          {toml: "[auth.third_party.firebase]\nenabled = true\nproject_id = \"env(NOPE)\"", want: file + `:3: auth.third_party.firebase.project_id = "env(NOPE)": environment variable is unset: NOPE; tokens of firebase are refused`},
		"brink.toml table":        {files: files{"supabase/brink.toml": "[api]\nport = 1"}, want: `supabase/brink.toml:1: api: brink.toml holds [edge_runtime] and [functions.<name>] only; this is ignored here and belongs in config.toml`},
		"brink.toml function":     {files: files{"supabase/brink.toml": "[functions.helo]"}, want: `supabase/brink.toml:1: functions.helo: there is no function "helo" (did you mean "hello"?); this table is ignored`},
		"runtime disabled":        {toml: "[edge_runtime]\nenabled = false"},
	} {
		t.Run(name, func(t *testing.T) {
			c := hello(tt.toml).with(tt.files).load(t, config.Options{})
			if got := warnings(c); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if c.Port != 54321 || c.Policy != policy.PerRequest || c.Auth.JWTSecret != config.DefaultJWTSecret || len(c.Auth.ThirdParty) > 0 {
				t.Errorf("what was warned about had an effect: %+v", c)
			}
		})
	}
}
