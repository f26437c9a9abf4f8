package watch

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// both runs a test with the system's notifications and with polling.
func both(t *testing.T, test func(*scene)) {
	t.Helper()
	t.Run("notified", func(t *testing.T) { test(newScene(t, Options{})) })
	t.Run("polled", func(t *testing.T) { test(newScene(t, Options{Poll: 5 * time.Millisecond})) })
}

func TestWriteCreateAndRemoveAreReported(t *testing.T) {
	both(t, func(s *scene) {
		s.write("f/a.ts", "1")
		s.write("f/deep/er/b.ts", "1")
		s.write("f/c.ts", "1")
		s.watch("f")
		s.write("f/a.ts", "2")
		s.write("f/deep/er/b.ts", "22")
		s.write("f/new.ts", "1")
		s.remove("f/c.ts")
		s.expect("WRITE f/a.ts", "WRITE f/deep/er/b.ts", "CREATE f/new.ts", "REMOVE f/c.ts")
		s.write("f/new.ts", "2")
		s.expect("WRITE f/new.ts")
	})
}

func TestFilesInNewFoldersAreReportedAndWatched(t *testing.T) {
	both(t, func(s *scene) {
		s.mkdir("f")
		s.watch("f")
		s.write("f/x/y/z/a.ts", "1")
		s.write("f/x/b.ts", "1")
		s.expect("CREATE f/x/y/z/a.ts", "CREATE f/x/b.ts")
		s.write("f/x/y/z/a.ts", "2")
		s.write("f/x/y/new/c.ts", "1")
		s.expect("WRITE f/x/y/z/a.ts", "CREATE f/x/y/new/c.ts")
	})
}

func TestFolderMovedIntoPlaceIsReportedAndWatched(t *testing.T) {
	both(t, func(s *scene) {
		s.mkdir("f")
		s.write("elsewhere/x/a.ts", "1")
		s.watch("f")
		s.rename("elsewhere", "f/in")
		s.expect("CREATE f/in/x/a.ts")
		s.write("f/in/x/a.ts", "2")
		s.expect("WRITE f/in/x/a.ts")
	})
}

func TestRenamedFolderIsWatchedUnderItsNewName(t *testing.T) {
	both(t, func(s *scene) {
		s.write("f/old/x/a.ts", "1")
		s.watch("f")
		s.rename("f/old", "f/new")
		s.expect("REMOVE f/old/x/a.ts", "CREATE f/new/x/a.ts")
		s.write("f/new/x/a.ts", "2")
		s.write("f/new/x/b.ts", "1")
		s.expect("WRITE f/new/x/a.ts", "CREATE f/new/x/b.ts")
	})
}

func TestFolderRemovedAndMadeAgainIsWatched(t *testing.T) {
	both(t, func(s *scene) {
		s.write("f/x/y/a.ts", "1")
		s.watch("f")
		for i := range 3 {
			s.remove("f/x")
			s.write("f/x/y/a.ts", fmt.Sprint("again ", i))
			s.expect("WRITE f/x/y/a.ts")
		}
		s.remove("f/x")
		s.expect("REMOVE f/x/y/a.ts")
		s.write("f/x/y/a.ts", "2")
		s.expect("CREATE f/x/y/a.ts")
	})
}

func TestTargetFolderMayComeAndGo(t *testing.T) {
	both(t, func(s *scene) {
		s.watch("not/there/yet")
		s.expect()
		s.write("not/there/yet/a.ts", "1")
		s.expect("CREATE not/there/yet/a.ts")
		s.remove("not")
		s.expect("REMOVE not/there/yet/a.ts")
		s.write("not/there/yet/a.ts", "2")
		s.expect("CREATE not/there/yet/a.ts")
		s.write("not/there/yet/a.ts", "3")
		s.expect("WRITE not/there/yet/a.ts")
	})
}

func TestTargetFileIsWatchedWithoutItsNeighbours(t *testing.T) {
	both(t, func(s *scene) {
		s.write("p/config.toml", "1")
		s.write("p/other.toml", "1")
		s.watch("p/config.toml", "p/.env", "p/odd.tmp")
		s.write("p/config.toml", "2")
		s.write("p/other.toml", "2")
		s.write("p/sub/new.ts", "1")
		s.write("p/.env", "A=1")
		s.write("p/odd.tmp", "named, so wanted")
		s.expect("WRITE p/config.toml", "CREATE p/.env", "CREATE p/odd.tmp")
		s.write("p/.env", "A=2")
		s.remove("p/config.toml")
		s.expect("WRITE p/.env", "REMOVE p/config.toml")
	})
}

func TestSavesByRenameAreWrites(t *testing.T) {
	both(t, func(s *scene) {
		s.write("f/code.ts", "1")
		s.write("f/vim.ts", "1")
		s.write("f/jetbrains.ts", "1")
		s.watch("f")

		s.write("f/code.ts.tmp", "2") // VS Code and many scripts
		s.rename("f/code.ts.tmp", "f/code.ts")

		s.write("f/4913", "") // Vim with backupcopy=no
		s.remove("f/4913")
		s.write("f/.vim.ts.swp", "swap")
		s.rename("f/vim.ts", "f/vim.ts~")
		s.write("f/vim.ts", "2")
		s.remove("f/vim.ts~")

		s.write("f/jetbrains.ts___jb_tmp___", "2")
		s.rename("f/jetbrains.ts", "f/jetbrains.ts___jb_old___")
		s.rename("f/jetbrains.ts___jb_tmp___", "f/jetbrains.ts")
		s.remove("f/jetbrains.ts___jb_old___")

		s.expect("WRITE f/code.ts", "WRITE f/vim.ts", "WRITE f/jetbrains.ts")
	})
}

func TestWhatLeavesTheContentAloneIsNotReported(t *testing.T) {
	both(t, func(s *scene) {
		s.write("f/touched.ts", "1")
		s.write("f/moded.ts", "1")
		s.write("f/saved.ts", "1")
		s.write("f/replaced.ts", "1")
		s.watch("f")
		s.must(os.Chtimes(s.path("f/touched.ts"), time.Time{}, time.Now().Add(-time.Hour)))
		s.must(os.Chmod(s.path("f/moded.ts"), 0o600))
		s.write("f/saved.ts", "1")
		s.write("f/n", "1")
		s.rename("f/n", "f/replaced.ts")
		s.mkdir("f/empty")
		s.write("f/gone", "came and went")
		s.remove("f/gone")
		s.expect()
	})
}

func TestSameSizeWritesInQuickSuccessionAreSeen(t *testing.T) {
	both(t, func(s *scene) {
		s.write("f/a.ts", "0")
		s.watch("f")
		for i := 1; i < 6; i++ {
			s.write("f/a.ts", fmt.Sprint(i))
			s.expect("WRITE f/a.ts")
		}
	})
}

func TestLargeFilesAreComparedBySizeAndTime(t *testing.T) {
	both(t, func(s *scene) {
		s.write("f/big", strings.Repeat("x", sumLimit+1))
		s.watch("f")
		s.write("f/big", strings.Repeat("y", sumLimit+2))
		s.expect("WRITE f/big")
	})
}

func TestIgnoredNamesAreNotReportedAndVendorIs(t *testing.T) {
	both(t, func(s *scene) {
		s.write("f/node_modules/x/index.js", "1")
		s.write("f/vendor/mod.ts", "1")
		s.watch("f")
		s.write("f/node_modules/x/index.js", "2")
		s.write("f/node_modules/y/index.js", "1")
		for _, name := range []string{".git/index", ".vscode/s.json", ".idea/w.xml", ".DS_Store", "a.ts~", ".a.ts.swp", ".a.ts.swx", "___x", "x.tmp", ".#a.ts", "#a.ts#", "4913", ".goutputstream-X1"} {
			s.write("f/"+name, "1")
			s.write("f/sub/"+name, "1")
		}
		s.write("f/vendor/mod.ts", "2")
		s.expect("WRITE f/vendor/mod.ts")
	})
}

func TestTargetInsideAnIgnoredFolderIsWatched(t *testing.T) {
	both(t, func(s *scene) {
		s.write("node_modules/mine/a.js", "1")
		s.watch("node_modules/mine")
		s.write("node_modules/mine/a.js", "2")
		s.expect("WRITE node_modules/mine/a.js")
	})
}

func TestSetReportsNeitherNewCoverageNorOld(t *testing.T) {
	both(t, func(s *scene) {
		s.write("a/1.ts", "1")
		s.write("b/1.ts", "1")
		s.watch("a")
		s.watch("a", "b")
		s.expect()
		s.write("a/1.ts", "2")
		s.write("b/1.ts", "2")
		s.expect("WRITE a/1.ts", "WRITE b/1.ts")
		s.watch("b")
		s.write("a/1.ts", "3")
		s.write("b/1.ts", "3")
		s.expect("WRITE b/1.ts")
	})
}

func TestOverlappingTargetsReportOnce(t *testing.T) {
	both(t, func(s *scene) {
		s.write("f/hello/index.ts", "1")
		s.watch("f", "f/hello", "f/hello/index.ts", "f")
		s.write("f/hello/index.ts", "2")
		s.expect("WRITE f/hello/index.ts")
	})
}

func TestManyFilesAreOneChangeSet(t *testing.T) {
	s := newScene(t, Options{})
	s.mkdir("f")
	s.w.Set([]Target{{s.path("f")}})
	const n = 300
	for i := range n {
		s.write(fmt.Sprintf("f/%d/a.ts", i%20), fmt.Sprint(i))
		s.write(fmt.Sprintf("f/%03d.ts", i), "1")
	}
	// Nobody has been receiving: all of it is gathered, though it may come in
	// two if reading begins before the last of it was seen.
	seen := changes{}
	for sets := 0; len(seen) < n+20; sets++ {
		select {
		case c := <-s.w.Changes():
			for p, op := range c.Ops {
				seen.add(p, op)
			}
		case <-s.ctx.Done():
			t.Fatalf("%d of %d files reported in %d sets", len(seen), n+20, sets)
		}
	}
	for p, op := range seen {
		if op != Create {
			t.Errorf("%s is %s, want CREATE", p, op)
		}
	}
}

func TestCloseIsIdempotentAndEndsChanges(t *testing.T) {
	both(t, func(s *scene) {
		s.watch("f")
		s.w.Close()
		s.w.Close()
		if _, ok := <-s.w.Changes(); ok {
			t.Error("Changes delivers after Close")
		}
		s.w.Set([]Target{{s.dir}}) // returns
	})
}

func TestCloseDoesNotWaitForAReader(t *testing.T) {
	s := newScene(t, Options{Poll: time.Millisecond})
	s.watch("f")
	s.write("f/a.ts", "1")
	s.w.Close()
}

func TestPipesAreNotOpened(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // has no pipes in folders
	}
	s := newScene(t, Options{})
	s.mkdir("f")
	s.must(exec.Command("mkfifo", s.path("f/pipe")).Run())
	s.watch("f")
	s.must(exec.Command("mkfifo", s.path("f/pipe2")).Run())
	s.write("f/a.ts", "1")
	s.expect("CREATE f/a.ts")
}
