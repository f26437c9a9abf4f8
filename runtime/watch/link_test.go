package watch

import (
	"fmt"
	"slices"
	"testing"
)

func TestLinkedFolderIsReportedUnderTheUsersPath(t *testing.T) {
	both(t, func(s *scene) {
		s.write("lib/sub/x.ts", "1")
		s.write("f/a/index.ts", "1")
		s.link("../../lib", "f/a/shared")
		s.watch("f")
		s.write("lib/sub/x.ts", "2")
		s.write("lib/new/y.ts", "1")
		s.expect("WRITE f/a/shared/sub/x.ts", "CREATE f/a/shared/new/y.ts")
		s.write("f/a/shared/sub/x.ts", "3")
		s.expect("WRITE f/a/shared/sub/x.ts")
		s.remove("lib/sub")
		s.expect("REMOVE f/a/shared/sub/x.ts")
	})
}

func TestFolderLinkedTwiceIsReportedUnderBothPaths(t *testing.T) {
	both(t, func(s *scene) {
		s.write("f/_shared/x.ts", "1")
		s.link("../_shared", "f/a/shared")
		s.link("../_shared", "f/b/shared")
		s.watch("f")
		s.write("f/_shared/x.ts", "2")
		s.expect("WRITE f/_shared/x.ts", "WRITE f/a/shared/x.ts", "WRITE f/b/shared/x.ts")
	})
}

func TestLinksBehindLinksAreFollowed(t *testing.T) {
	both(t, func(s *scene) {
		s.write("two/x.ts", "1")
		s.link("../two", "one/deep")
		s.link("../one", "f/l")
		s.watch("f")
		s.write("two/x.ts", "2")
		s.expect("WRITE f/l/deep/x.ts")
	})
}

func TestTargetThatIsALinkIsReportedUnderItsOwnPath(t *testing.T) {
	both(t, func(s *scene) {
		s.write("real/hello/index.ts", "1")
		s.write("other/hello/index.ts", "other")
		s.link("../real", "supabase/functions")
		s.watch("supabase/functions")
		s.write("real/hello/index.ts", "2")
		s.expect("WRITE supabase/functions/hello/index.ts")
		s.remove("supabase/functions")
		s.link("../other", "supabase/functions")
		s.expect("WRITE supabase/functions", "WRITE supabase/functions/hello/index.ts")
		s.write("other/hello/index.ts", "2")
		s.write("real/hello/index.ts", "3")
		s.expect("WRITE supabase/functions/hello/index.ts")
	})
}

func TestLinkedFileIsReportedUnderTheUsersPath(t *testing.T) {
	both(t, func(s *scene) {
		s.write("src/hello.ts", "1")
		s.write("src/neighbour.ts", "1")
		s.link("../../src/hello.ts", "f/hello/index.ts")
		s.watch("f")
		s.write("src/hello.ts.tmp", "2")
		s.rename("src/hello.ts.tmp", "src/hello.ts")
		s.write("src/neighbour.ts", "2")
		s.expect("WRITE f/hello/index.ts")
		s.write("src/hello.ts", "3")
		s.expect("WRITE f/hello/index.ts")
	})
}

func TestDanglingLinkIsWatchedOnceItLeadsSomewhere(t *testing.T) {
	both(t, func(s *scene) {
		s.link("../gone/lib", "f/lib")
		s.watch("f")
		s.expect()
		s.write("gone/lib/x.ts", "1")
		s.expect("WRITE f/lib", "CREATE f/lib/x.ts")
		s.write("gone/lib/x.ts", "2")
		s.expect("WRITE f/lib/x.ts")
	})
}

func TestLoopsEnd(t *testing.T) {
	both(t, func(s *scene) {
		s.write("f/a/x.ts", "1")
		s.link("..", "f/a/up")          // to a folder that holds it
		s.link("../../..", "f/a/uptop") // far up
		s.link("../b", "f/a/tob")       // and crosswise
		s.link("../a", "f/b/toa")
		s.link("self", "f/self") // to itself
		s.watch("f")
		s.write("f/a/x.ts", "2")
		s.expect("WRITE f/a/x.ts", "WRITE f/b/toa/x.ts", "WRITE f/a/tob/toa/x.ts")
	})
}

func TestAliasesOfCrossedLinksAreBounded(t *testing.T) {
	tr := newTree()
	tr.roots = []root{{user: "/u", at: "/r"}}
	const n = 12
	for i := range n {
		for j := range n {
			if i != j {
				tr.links[fmt.Sprintf("/r/%d/to%d", i, j)] = link{to: fmt.Sprintf("/r/%d", j), followed: true}
			}
		}
	}
	got := tr.aliases("/r/0/x.ts")
	if len(got) > maxAliases || !slices.Contains(got, "/u/0/x.ts") {
		t.Errorf("%d aliases, want at most %d, the plain path among them", len(got), maxAliases)
	}
}
