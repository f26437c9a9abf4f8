package config_test

import (
	"path/filepath"
	"testing"
	"time"

	"brink/policy"
	"brink/runtime/config"
)

func TestDefaultsApplyWhenNothingIsSet(t *testing.T) {
	c := hello("").load(t, config.Options{})
	if c.Host != "127.0.0.1" || c.Port != 54321 || c.DBPort != 54322 || c.InspectorPort != 8083 || c.DenoVersion != 2 {
		t.Errorf("addresses: %+v", c)
	}
	if c.Policy != policy.PerRequest || c.Reload != config.ReloadManual || c.Plan != policy.PlanPro || c.Parity != policy.ParityRelaxed {
		t.Errorf("choices: %+v", c)
	}
	if c.TimeScale != 1 || c.Spare != 1 || c.DrainTimeout != 15*time.Second || c.Upstream != "" {
		t.Errorf("numbers: %+v", c)
	}
	want := config.Auth{
		JWTSecret:      "super-secret-jwt-token-with-at-least-32-characters-long",
		PublishableKey: "sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH",
		SecretKey:      "sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz",
		JWTExpiry:      time.Hour,
	}
	if a := c.Auth; a.JWTSecret != want.JWTSecret || a.PublishableKey != want.PublishableKey || a.SecretKey != want.SecretKey ||
		a.JWTExpiry != want.JWTExpiry || a.AnonKey != "" || a.ServiceRoleKey != "" || a.JWTIssuer != "" || a.SigningKeysPath != "" || a.ThirdParty != nil {
		t.Errorf("auth: %+v", a)
	}
	f := function(t, c, "hello")
	if !f.VerifyJWT || f.Limits != policy.DefaultLimits(policy.PlanPro) || f.Language != config.JavaScript || len(f.Env) > 0 || f.UsePackageJSON {
		t.Errorf("function: %+v", f)
	}
	if w := warnings(c); w != "" {
		t.Errorf("warnings:\n%s", w)
	}
}

func TestFlagBeatsEnvironmentBeatsBrinkTomlBeatsConfigToml(t *testing.T) {
	const file = "[edge_runtime]\nwall_clock = \"1s\"\n"
	own := files{"supabase/brink.toml": "[edge_runtime]\nwall_clock = \"2s\"\n"}
	dotenv := files{"supabase/.env": "BRINK_WALL_CLOCK=3s\n"}
	env := config.Options{Environ: []string{"BRINK_WALL_CLOCK=4s"}}
	flag := config.Options{Environ: env.Environ, Flags: config.Flags{WallClock: new("5s")}}
	for name, tt := range map[string]struct {
		f    files
		o    config.Options
		want time.Duration
	}{
		"default":     {hello(""), config.Options{}, 400 * time.Second},
		"config.toml": {hello(file), config.Options{}, 1 * time.Second},
		"brink.toml":  {hello(file).with(own), config.Options{}, 2 * time.Second},
		".env":        {hello(file).with(own).with(dotenv), config.Options{}, 3 * time.Second},
		"environment": {hello(file).with(own).with(dotenv), env, 4 * time.Second},
		"flag":        {hello(file).with(own).with(dotenv), flag, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			if got := function(t, tt.f.load(t, tt.o), "hello").Limits.WallClock; got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestOneFunctionsSettingBeatsEverybodysInFilesAndInTheEnvironment(t *testing.T) {
	f := hello("[functions.hello]\nmemory = 64\n[functions.go-x]\n").with(files{
		"supabase/functions/go-x/x.go": "package x",
		"supabase/brink.toml":          "[edge_runtime]\nmemory = 128\n",
	})
	for name, tt := range map[string]struct {
		o        config.Options
		hello, x int64
	}{
		"files":       {config.Options{}, 64, 128},
		"environment": {config.Options{Environ: []string{"BRINK_MEMORY=100", "BRINK_FUNCTIONS_GO_X_MEMORY=99MB"}}, 100, 99},
		"flag":        {config.Options{Environ: []string{"BRINK_FUNCTIONS_GO_X_MEMORY=99"}, Flags: config.Flags{Memory: new("1GiB")}}, 1024, 1024},
	} {
		t.Run(name, func(t *testing.T) {
			c := f.load(t, tt.o)
			if got := function(t, c, "hello").Limits.Memory; got != tt.hello*policy.MiB {
				t.Errorf("hello has %d", got)
			}
			if got := function(t, c, "go-x").Limits.Memory; got != tt.x*policy.MiB {
				t.Errorf("go-x has %d", got)
			}
		})
	}
}

func TestLimitsAreReadInEachForm(t *testing.T) {
	for name, tt := range map[string]struct {
		toml string
		want policy.Limits
	}{
		"numbers": {"wall_clock = 60\nidle_timeout = 1.5\ncpu_soft = 100\ncpu_hard = 250\nmemory = 128\ntmp_quota = 64",
			policy.Limits{WallClock: time.Minute, IdleTimeout: 1500 * time.Millisecond, CPUSoft: 100 * time.Millisecond, CPUHard: 250 * time.Millisecond, Memory: 128 * policy.MiB, TmpQuota: 64 * policy.MiB}},
		"texts": {"wall_clock = \"1m\"\nidle_timeout = \"1500ms\"\ncpu_soft = \"0.1s\"\ncpu_hard = \"250\"\nmemory = \"128MB\"\ntmp_quota = \"1GiB\"",
			policy.Limits{WallClock: time.Minute, IdleTimeout: 1500 * time.Millisecond, CPUSoft: 100 * time.Millisecond, CPUHard: 250 * time.Millisecond, Memory: 128 * policy.MiB, TmpQuota: 1024 * policy.MiB}},
		"off": {"limits = \"off\"\nwall_clock = 0\nidle_timeout = \"0s\"\ncpu_soft = 0\ncpu_hard = \"0\"\nmemory = \"32MiB\"\ntmp_quota = 512",
			policy.Limits{Enforcement: policy.Off, Memory: 32 * policy.MiB, TmpQuota: 512 * policy.MiB}},
		"soft makes room": {"cpu_hard = \"500ms\"", func() policy.Limits {
			l := policy.DefaultLimits(policy.PlanPro)
			l.CPUHard, l.CPUSoft = 5e8, 25e7
			return l
		}()},
		"soft alone": {"cpu_soft = \"2s\"", func() policy.Limits { l := policy.DefaultLimits(policy.PlanPro); l.CPUSoft = 2e9; return l }()},
		"hard off": {"cpu_hard = 0\ncpu_soft = \"1m\"", func() policy.Limits {
			l := policy.DefaultLimits(policy.PlanPro)
			l.CPUHard, l.CPUSoft = 0, 6e10
			return l
		}()},
		"nothing is asked": {"", policy.DefaultLimits(policy.PlanPro)},
	} {
		t.Run(name, func(t *testing.T) {
			for _, table := range []string{"edge_runtime", "functions.hello"} {
				c := hello("["+table+"]\n"+tt.toml).load(t, config.Options{})
				if got := function(t, c, "hello").Limits; got != tt.want {
					t.Errorf("[%s]: got %+v, want %+v", table, got, tt.want)
				}
			}
		})
	}
}

func TestCommonSoftLimitMakesRoomForOneFunctionsHardLimit(t *testing.T) {
	c := hello("[edge_runtime]\ncpu_soft = \"5s\"\ncpu_hard = \"10s\"\n[functions.hello]\ncpu_hard = \"3s\"").load(t, config.Options{})
	if l := function(t, c, "hello").Limits; l.CPUSoft != 1500*time.Millisecond || l.CPUHard != 3*time.Second {
		t.Errorf("got %+v", l)
	}
}

func TestPlanSetsTheDefaults(t *testing.T) {
	c := hello("[edge_runtime]\nplan = \"free\"\ntmp_quota = 99").load(t, config.Options{})
	want := policy.DefaultLimits(policy.PlanFree)
	want.TmpQuota = 99 * policy.MiB
	if got := function(t, c, "hello").Limits; got != want || c.Plan != policy.PlanFree {
		t.Errorf("got %+v", got)
	}
	c = hello("").load(t, config.Options{Flags: config.Flags{Plan: new("free"), TimeScale: new("20")}})
	if got := function(t, c, "hello").Limits.WallClock; got != 150*time.Second || c.TimeScale != 20 {
		t.Errorf("got %v, scale %v", got, c.TimeScale)
	}
}

func TestGlobalSettingsComeFromEverySource(t *testing.T) {
	own := []string{
		"policy=per_worker", "reload=auto", "parity=strict", "time_scale=2.5", "spare=0", "drain_timeout=90",
		"upstream=https://abc.supabase.co/", "host=::1", "port=0",
	}
	flags := config.Flags{
		Policy: new("per_worker"), Reload: new("auto"), Parity: new("strict"), TimeScale: new("2.5"), Spare: new("0"),
		DrainTimeout: new("1m30s"), Upstream: new("https://abc.supabase.co/"), Host: new("[::1]"), Port: new("0"),
	}
	var environ []string
	for _, s := range own {
		environ = append(environ, "BRINK_"+upper(s))
	}
	for name, o := range map[string]config.Options{"flags": {Flags: flags}, "environment": {Environ: environ}} {
		t.Run(name, func(t *testing.T) {
			c := hello("[edge_runtime]\npolicy = \"oneshot\"\nspare = 3\n[api]\nport = 5").load(t, o)
			if c.Policy != policy.PerWorker || c.Reload != config.ReloadAuto || c.Parity != policy.ParityStrict || c.TimeScale != 2.5 ||
				c.Spare != 0 || c.DrainTimeout != 90*time.Second || c.Upstream != "https://abc.supabase.co" || c.Host != "::1" || c.Port != 0 {
				t.Errorf("got %+v", c)
			}
			if f := function(t, c, "hello"); f.Parity != policy.ParityStrict || f.Reload != config.ReloadAuto {
				t.Errorf("hello is %+v", f)
			}
		})
	}
}

// upper makes NAME=value of name=value.
func upper(s string) string {
	b := []byte(s)
	for i := 0; b[i] != '='; i++ {
		if b[i] >= 'a' && b[i] <= 'z' {
			b[i] -= 'a' - 'A'
		}
	}
	return string(b)
}

func TestSupabaseVariablesOverrideConfigToml(t *testing.T) {
	f := hello("[edge_runtime]\npolicy = \"per_worker\"\n[functions.hello]\nverify_jwt = true\n").
		with(files{"supabase/.env": "SUPABASE_EDGE_RUNTIME_INSPECTOR_PORT=9000\n", "supabase/functions/my-fn/index.ts": "", "supabase/m.json": "{}"})
	c := f.load(t, config.Options{Environ: []string{
		"SUPABASE_API_PORT=5555", "SUPABASE_EDGE_RUNTIME_POLICY=oneshot", "SUPABASE_FUNCTIONS_HELLO_VERIFY_JWT=false",
		"SUPABASE_FUNCTIONS_MY_FN_IMPORT_MAP=./m.json", "SUPABASE_DB_PORT=6", "SUPABASE_PROJECT_ID=other",
		"SUPABASE_AUTH_JWT_SECRET=0123456789abcdef", "SUPABASE_AUTH_ANON_KEY=anon", "SUPABASE_AUTH_PUBLISHABLE_KEY=", "SUPABASE_AUTH_JWT_EXPIRY=60",
	}})
	if c.Port != 5555 || c.Policy != policy.PerRequest || c.InspectorPort != 9000 || c.DBPort != 6 || c.ProjectID != "other" {
		t.Errorf("got %+v", c)
	}
	if function(t, c, "hello").VerifyJWT || function(t, c, "my-fn").ImportMap != filepath.Join(c.Dir, "m.json") {
		t.Errorf("functions %+v", c.Functions)
	}
	if a := c.Auth; a.JWTSecret != "0123456789abcdef" || a.AnonKey != "anon" || a.PublishableKey != config.DefaultPublishableKey || a.JWTExpiry != time.Minute {
		t.Errorf("auth %+v", a)
	}
}

func TestNoVerifyJWTHasThreeStates(t *testing.T) {
	f := hello("[functions.hello]\nverify_jwt = false").with(files{"supabase/functions/other/index.ts": ""})
	yes, no := true, false
	for name, tt := range map[string]struct {
		flag         *bool
		hello, other bool
	}{"not given": {nil, false, true}, "true": {&yes, false, false}, "false": {&no, true, true}} {
		c := f.load(t, config.Options{Flags: config.Flags{NoVerifyJWT: tt.flag}})
		if function(t, c, "hello").VerifyJWT != tt.hello || function(t, c, "other").VerifyJWT != tt.other {
			t.Errorf("%s: %+v", name, c.Functions)
		}
	}
}

func TestWeakBooleansAreAccepted(t *testing.T) {
	for value, want := range map[string]bool{`"false"`: false, `"0"`: false, `""`: false, `0`: false, `"True"`: true, `"t"`: true, `1`: true, `"env(FLAG)"`: false} {
		c := hello("[functions.hello]\nverify_jwt = "+value).load(t, config.Options{Environ: []string{"FLAG=false"}})
		if got := function(t, c, "hello").VerifyJWT; got != want {
			t.Errorf("%s is %v", value, got)
		}
	}
}

func TestInterpolationReadsDotenvFilesInOrder(t *testing.T) {
	all := files{
		"supabase/.env.development.local": "A=1\n", "supabase/.env.local": "A=2\nB=2\n", "supabase/.env.development": "A=3\nB=3\nC=3\n",
		"supabase/.env": "A=4\nB=4\nC=4\nD=4\n", ".env.development.local": "A=5\nB=5\nC=5\nD=5\nE=5\n", ".env": "E=6\nF=6\n",
		"supabase/.env.test": "A=7\n", "supabase/.env.test.local": "B=8\n",
	}
	const toml = "[edge_runtime.secrets]\na = \"env(A)\"\nb = \"env(B)\"\nc = \"env(C)\"\nd = \"env(D)\"\ne = \"env(E)\"\nf = \"env(F)\"\ng = \"env(G)\"\nh = \"not env(A)\""
	for name, tt := range map[string]struct {
		environ []string
		want    map[string]string
	}{
		"development": {nil, map[string]string{"A": "1", "B": "2", "C": "3", "D": "4", "E": "5", "F": "6"}},
		"process":     {[]string{"A=p", "G=p", "F="}, map[string]string{"A": "p", "B": "2", "C": "3", "D": "4", "E": "5", "G": "p"}},
		"test":        {[]string{"SUPABASE_ENV=test"}, map[string]string{"A": "7", "B": "8", "C": "4", "D": "4", "E": "6", "F": "6"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := hello(toml).with(all).load(t, config.Options{Environ: tt.environ})
			tt.want["H"] = "not env(A)"
			sameEnv(t, function(t, c, "hello").Env, tt.want)
		})
	}
}

func TestAuthIsReadWhole(t *testing.T) {
	c := hello(`
[api]
external_url = "https://api.test/"
[auth]
jwt_secret = "env(JWT)"
anon_key = "a"
service_role_key = "s"
publishable_key = "p"
secret_key = "k"
jwt_expiry = "120"
signing_keys_path = "./keys.json"
`).with(files{"supabase/keys.json": `[{"kty":"EC"}]`}).load(t, config.Options{Environ: []string{"JWT=0123456789abcdef"}})
	a := c.Auth
	if a.JWTSecret != "0123456789abcdef" || a.AnonKey != "a" || a.ServiceRoleKey != "s" || a.PublishableKey != "p" || a.SecretKey != "k" ||
		a.JWTExpiry != 2*time.Minute || a.SigningKeysPath != filepath.Join(c.Dir, "keys.json") || a.JWTIssuer != "https://api.test/auth/v1" {
		t.Errorf("got %+v", a)
	}
	for toml, want := range map[string]string{
		"[auth]\nexternal_url = \"https://a.test/auth/v1\"":                                  "https://a.test/auth/v1",
		"[auth]\nexternal_url = \"https://a.test/auth/v1\"\njwt_issuer = \"https://i.test\"": "https://i.test",
		"[auth]\njwt_issuer = \"\"":                                                          "",
	} {
		if got := hello(toml).load(t, config.Options{}).Auth.JWTIssuer; got != want {
			t.Errorf("%s: got %q", toml, got)
		}
	}
}

func TestThirdPartyIssuers(t *testing.T) {
	for toml, want := range map[string]config.ThirdParty{
		"firebase]\nproject_id = \"p\"":                                   {Provider: "firebase", Issuer: "https://securetoken.google.com/p"},
		"auth0]\ntenant = \"t\"":                                          {Provider: "auth0", Issuer: "https://t.auth0.com"},
		"auth0]\ntenant = \"t\"\ntenant_region = \"us\"":                  {Provider: "auth0", Issuer: "https://t.us.auth0.com"},
		"aws_cognito]\nuser_pool_id = \"u\"\nuser_pool_region = \"eu-1\"": {Provider: "aws_cognito", Issuer: "https://cognito-idp.eu-1.amazonaws.com/u"},
		"clerk]\ndomain = \"c.test\"":                                     {Provider: "clerk", Issuer: "https://c.test"},
		"workos]\nissuer_url = \"https://w.test\"":                        {Provider: "workos", Issuer: "https://w.test"},
	} {
		c := hello("[auth.third_party."+toml+"\nenabled = \"env(ON)\"").load(t, config.Options{Environ: []string{"ON=true"}})
		if len(c.Auth.ThirdParty) != 1 || c.Auth.ThirdParty[0] != want {
			t.Errorf("got %+v, want %+v", c.Auth.ThirdParty, want)
		}
	}
}
