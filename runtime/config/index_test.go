package config

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

func TestIndexFindsTheLineOfEachKey(t *testing.T) {
	src := strings.Join([]string{
		`# a comment with [a.header] and key = 1`, // 1
		`top = "a # no comment = [x]" # one`,      // 2
		`[a]`,                                     // 3
		`b.c = 1`,                                 // 4
		`"quoted \u0041" = 'raw \'`,               // 5
		`multi = """`,                             // 6
		`no.key = 1 \"""`,                         // 7
		`[no.table]"""""`,                         // 8
		`list = [ # comment ]`,                    // 9
		`  "x", { in = 1 },`,                      // 10
		`]`,                                       // 11
		`inline = { one = 1, two = { three = 'x' }, "f o" = [] }`, // 12
		`  [ a . d ]  # spaced`,                                   // 13
		`e = '''`,                                                 // 14
		`f = 1'''`,                                                // 15
		`[[many]]`,                                                // 16
		`g = 1`,                                                   // 17
		`[[many]]`,                                                // 18
		`g = 2`,                                                   // 19
	}, "\r\n")
	index := indexKeys(src)
	for path, want := range map[string]int{
		"top": 2, "a": 3, "a.b.c": 4, "a.quoted A": 5, "a.multi": 6, "a.list": 9, "a.inline": 12,
		"a.inline.one": 12, "a.inline.two.three": 12, "a.inline.f o": 12, "a.d": 13, "a.d.e": 14, "many": 16, "many.g": 17,
		"a.d.nothing": 13, "nothing": 0,
	} {
		if got := index.at(strings.Split(path, ".")).line; got != want {
			t.Errorf("%s is on line %d, want %d", path, got, want)
		}
	}
	for _, path := range []string{"a.no", "no", "a.d.f", "no.table"} {
		if s, ok := index[joinPath(strings.Split(path, "."))]; ok {
			t.Errorf("%s was found at %v inside a string", path, s)
		}
	}
	if got := index.at([]string{"top"}).text; got != `"a # no comment = [x]"` {
		t.Errorf("top is written as %s", got)
	}
	if got := index.at([]string{"a", "multi"}).text; got != `"""…` {
		t.Errorf("multi is written as %s", got)
	}
}

// The scanner and the library have to agree on what the keys are.
func agree(t *testing.T, src string) {
	values := map[string]any{}
	meta, err := toml.Decode(src, &values)
	index := indexKeys(src) // must end, whatever src is
	if err != nil {
		return
	}
	lines := strings.Count(src, "\n") + 1
	for _, key := range meta.Keys() {
		s, ok := index[joinPath(key)]
		if !ok && !slices.Contains(key, "") {
			t.Errorf("no line for %q", []string(key))
		} else if ok && (s.line < 1 || s.line > lines) {
			t.Errorf("%q is on line %d of %d", []string(key), s.line, lines)
		}
	}
}

func TestIndexKnowsEveryKeyOfAFullConfig(t *testing.T) {
	for _, path := range []string{"testdata/full.toml", "../../config.toml.example"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		agree(t, string(text))
	}
}

func FuzzIndexAgreesWithTheLibrary(f *testing.F) {
	for _, seed := range []string{
		"a = 1\n[b]\nc.d = \"x\"\n", "a = [[1], {b = 2}]", "\ufeffa = '''\nx'''''", "[\"a.b\".'c']\nd = 1979-05-27 07:32:00 # x",
		"a = {\n b = 1, # c\n}", "= 1", "[", "a = \"", "\"", "a.\"\" = 1",
	} {
		f.Add(seed)
	}
	f.Fuzz(agree)
}
