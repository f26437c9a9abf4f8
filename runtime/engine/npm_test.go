package engine

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheLockPinsWhatItNames(t *testing.T) {
	all, err := parsePins(lockFile)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join("npm", "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		OptionalDependencies map[string]string `json:"optionalDependencies"`
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		t.Fatal(err)
	}
	for name, version := range manifest.OptionalDependencies {
		if version != Version || all[name].Version != Version {
			t.Errorf("%s: package.json has %s, the lock %s, want %s", name, version, all[name].Version, Version)
		}
	}
	if len(all) == 0 || len(all) != len(manifest.OptionalDependencies) {
		t.Errorf("the lock has %d packages, package.json %d", len(all), len(manifest.OptionalDependencies))
	}
	known := map[string]bool{}
	for _, os := range []string{"linux", "darwin", "windows"} {
		for _, arch := range []string{"amd64", "arm64"} {
			known[platform{os: os, arch: arch}.pkg()] = true
		}
	}
	for name, p := range all {
		if !p.usable() {
			t.Errorf("%s has no strong checksum: %q", name, p.Integrity)
		}
		if p.Resolved != "" {
			t.Errorf("%s names a place, %s: the user's own registry would be passed over", name, p.Resolved)
		}
		if !known[name] {
			t.Errorf("%s is no package that any platform asks for", name)
		}
	}
	for _, word := range []string{"http:", "https:", "resolved"} {
		if bytes.Contains(lockFile, []byte(word)) {
			t.Errorf("the lock contains %q", word)
		}
	}
}

// registry is a stand-in for npm's: it has one package, whose program is the
// test binary.
func registry(t *testing.T, name, program string) (url, integrity string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := json.Marshal(map[string]any{"name": name, "version": Version})
	if err != nil {
		t.Fatal(err)
	}
	tarball := pack(t, map[string][]byte{"package/package.json": manifest, "package/" + program: binary})
	sum := sha512.Sum512(tarball)
	integrity = "sha512-" + base64.StdEncoding.EncodeToString(sum[:])

	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".tgz") {
			w.Write(tarball)
			return
		}
		json.NewEncoder(w).Encode(map[string]any{
			"name": name, "dist-tags": map[string]string{"latest": Version},
			"versions": map[string]any{Version: map[string]any{
				"name": name, "version": Version,
				"dist": map[string]string{"tarball": "http://" + r.Host + "/engine.tgz", "integrity": integrity},
			}},
		})
	}))
	t.Cleanup(srv.Close)
	return srv.URL, integrity
}

// pack makes an npm tarball; quickly rather than small.
func pack(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	gz, err := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	tw := tar.NewWriter(gz)
	for name, content := range files {
		if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// withRealNPM makes w use the machine's npm with the registry at url.
func withRealNPM(t *testing.T, w *world, url string) {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Fatal(err)
	}
	w.programs["npm"] = npm
	w.env["npm_config_registry"] = url
	w.env["npm_config_cache"] = t.TempDir()
	w.env["npm_config_fetch_retries"] = "0"
}

func TestNPMInstallsFromTheUsersOwnRegistry(t *testing.T) {
	w := newWorld(t)
	name := w.host.platform.pkg()
	url, integrity := registry(t, name, w.host.platform.program())
	w.host.pins = pins{name: {Version: Version, Integrity: integrity}}
	withRealNPM(t, w, url)
	e, err := ensure(t.Context(), w.options(), w.host)
	if err != nil {
		t.Fatal(err)
	}
	if e.Path != w.cachedPath() || e.Source != SourceInstalled {
		t.Errorf("got %+v", e)
	}
	onlyEngineIn(t, w)
}

// The registry is consistent with itself, as a hostile one would be: only the
// checksum that brink carries tells that this is another program.
func TestNPMRefusesAProgramThatIsNotThePinnedOne(t *testing.T) {
	w := newWorld(t)
	name := w.host.platform.pkg()
	url, _ := registry(t, name, w.host.platform.program())
	sum := sha512.Sum512([]byte("another program"))
	w.host.pins = pins{name: {Version: Version, Integrity: "sha512-" + base64.StdEncoding.EncodeToString(sum[:])}}
	withRealNPM(t, w, url)
	_, err := ensure(t.Context(), w.options(), w.host)
	mustSay(t, err, "EINTEGRITY", "not the Deno that brink knows")
	if _, ok := cached(w.cache, w.host.platform); ok {
		t.Error("the program is in the cache")
	}
	onlyEngineIn(t, w)
}

// A platform whose checksum brink does not carry gets exactly the version, and
// npm compares it with what the registry says.
func TestNPMInstallsAnUnpinnedPlatformByExactVersion(t *testing.T) {
	w := newWorld(t)
	url, _ := registry(t, w.host.platform.pkg(), w.host.platform.program())
	w.host.pins = nil
	withRealNPM(t, w, url)
	e, err := ensure(t.Context(), w.options(), w.host)
	if err != nil || e.Version != Version || e.Source != SourceInstalled {
		t.Fatalf("got %+v, %v", e, err)
	}
	onlyEngineIn(t, w)
}

func TestNPMThatCannotReachItsRegistrySaysSo(t *testing.T) {
	w := newWorld(t)
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close() // nobody listens there now
	withRealNPM(t, w, srv.URL)
	_, err := ensure(t.Context(), w.options(), w.host)
	mustSay(t, err, "cannot reach its registry", "needs no network", "BRINK_DENO")
}

// The real thing: about 40 MB from the npm registry that this machine's npm is
// set to.
func TestEnsureInstallsTheRealDeno(t *testing.T) {
	none := func(name string) (string, error) {
		if name == "npm" {
			return exec.LookPath(name)
		}
		return "", exec.ErrNotFound
	}
	o := Options{CacheDir: t.TempDir(), LookPath: none}
	e, err := Ensure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if e.Version != Version || e.Source != SourceInstalled {
		t.Errorf("got %+v", e)
	}
	out, err := exec.Command(e.Path, "eval", "console.log(6 * 7)").Output()
	if err != nil || strings.TrimSpace(string(out)) != "42" {
		t.Errorf("the installed Deno printed %q, %v", out, err)
	}
	again, err := Find(t.Context(), Options{CacheDir: o.CacheDir, LookPath: none})
	if err != nil || again.Source != SourceCache || again.Path != e.Path {
		t.Errorf("the second time: %+v, %v", again, err)
	}
}
