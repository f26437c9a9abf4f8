package engine

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestDefaultCacheDirTakesBrinkCacheFirst(t *testing.T) {
	dir := t.TempDir()
	got, err := DefaultCacheDir([]string{"HOME=/nowhere", "BRINK_CACHE=" + dir})
	if err != nil || got != dir {
		t.Errorf("got %q, %v; want %q", got, err, dir)
	}
	got, err = DefaultCacheDir([]string{"BRINK_CACHE=relative"})
	if err != nil || !filepath.IsAbs(got) {
		t.Errorf("got %q, %v; want an absolute path", got, err)
	}
}

func TestDefaultCacheDirIsTheUsersCacheFolder(t *testing.T) {
	home := t.TempDir()
	environ := []string{"HOME=" + home, "XDG_CACHE_HOME=relative", "LocalAppData=" + filepath.Join(home, "AppData", "Local")}
	want := map[string]string{
		"darwin":  filepath.Join(home, "Library", "Caches", "brink"),
		"windows": filepath.Join(home, "AppData", "Local", "brink"),
	}[runtime.GOOS]
	if want == "" {
		want = filepath.Join(home, ".cache", "brink")
	}
	if got, err := DefaultCacheDir(environ); err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestDefaultCacheDirWorksWithoutHome(t *testing.T) {
	got, err := DefaultCacheDir(nil)
	if err != nil {
		// A container may run as a user that no database knows.
		mustSay(t, err, "BRINK_CACHE")
		return
	}
	if !filepath.IsAbs(got) || filepath.Base(got) != "brink" {
		t.Errorf("got %q, want an absolute path that ends in brink", got)
	}
}

func TestCleanRemovesEverythingAndAllowsAnotherInstall(t *testing.T) {
	w := newWorld(t)
	if err := Clean(w.cache); err != nil {
		t.Errorf("cleaning an empty cache: %v", err)
	}
	if _, err := ensure(t.Context(), w.options(), w.host); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(w.cache, "engine", "deno-2.0.0-old", "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Clean(w.cache); err != nil {
		t.Fatal(err)
	}
	if _, err := find(t.Context(), w.options(), w.host); !errors.Is(err, ErrNotFound) {
		t.Errorf("after Clean: %v, want ErrNotFound", err)
	}
	if _, err := os.Stat(filepath.Join(w.cache, "engine", "deno-2.0.0-old")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an old engine is still there: %v", err)
	}
	if _, err := ensure(t.Context(), w.options(), w.host); err != nil {
		t.Errorf("install after Clean: %v", err)
	}
}

func TestMuslIsSeenOnlyWhereGlibcIsMissing(t *testing.T) {
	for _, test := range []struct {
		files []string
		want  bool
	}{
		{[]string{"lib/ld-musl-x86_64.so.1"}, true},
		{[]string{"lib/ld-musl-x86_64.so.1", "lib64/ld-linux-x86-64.so.2"}, false},
		{[]string{"lib/ld-musl-aarch64.so.1", "lib/ld-linux-aarch64.so.1"}, false},
		{[]string{"lib64/ld-linux-x86-64.so.2"}, false},
		{nil, false},
	} {
		root := t.TempDir()
		for _, f := range test.files {
			path := filepath.Join(root, filepath.FromSlash(f))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := onlyMusl(root); got != test.want {
			t.Errorf("with %v: musl %v, want %v", test.files, got, test.want)
		}
	}
}

func TestPlatformsHaveTheNamesOfTheirPackages(t *testing.T) {
	for _, test := range []struct {
		p                    platform
		pkg, folder, program string
	}{
		{platform{"linux", "amd64", false}, "@deno/linux-x64-glibc", "linux-x64", "deno"},
		{platform{"linux", "arm64", false}, "@deno/linux-arm64-glibc", "linux-arm64", "deno"},
		{platform{"linux", "amd64", true}, "", "linux-x64-musl", "deno"},
		{platform{"darwin", "amd64", false}, "@deno/darwin-x64", "darwin-x64", "deno"},
		{platform{"darwin", "arm64", false}, "@deno/darwin-arm64", "darwin-arm64", "deno"},
		{platform{"windows", "amd64", false}, "@deno/win32-x64", "windows-x64", "deno.exe"},
		{platform{"windows", "arm64", false}, "@deno/win32-arm64", "windows-arm64", "deno.exe"},
		{platform{"freebsd", "amd64", false}, "", "freebsd-x64", "deno"},
		{platform{"linux", "386", false}, "", "linux-386", "deno"},
	} {
		if got := test.p.pkg(); got != test.pkg {
			t.Errorf("%v: package %q, want %q", test.p, got, test.pkg)
		}
		if got := strings.TrimPrefix(test.p.folder(), "deno-"+Version+"-"); got != test.folder {
			t.Errorf("%v: folder %q, want %q", test.p, got, test.folder)
		}
		if got := test.p.program(); got != test.program {
			t.Errorf("%v: program %q, want %q", test.p, got, test.program)
		}
	}
}
