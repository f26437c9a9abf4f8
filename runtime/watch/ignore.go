package watch

import "path/filepath"

// ignoredNames are not looked at, whatever they are, and nothing in them is.
// A folder called vendor is: it may be the user's own, and what a tool writes
// there without changing it is not reported anyway.
var ignoredNames = map[string]bool{
	".git": true, "node_modules": true, ".vscode": true, ".idea": true, ".DS_Store": true,
	"4913": true, // Vim tries with it whether it may create files
}

// ignoredPatterns are the temporary files of editors.
var ignoredPatterns = []string{
	"*~",            // backups
	".*.sw?",        // Vim
	"___*", "*.tmp", // temporary files of several tools
	".#*", "#*#", // Emacs
	"*___jb_???___",    // JetBrains
	".goutputstream-*", // GLib, so gedit
}

// ignored says whether a file or folder of that name is passed over. A target
// that bears such a name is not: whoever names it wants it.
func ignored(name string) bool {
	if ignoredNames[name] {
		return true
	}
	for _, pattern := range ignoredPatterns {
		if ok, _ := filepath.Match(pattern, name); ok {
			return true
		}
	}
	return false
}
