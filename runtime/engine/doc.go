// Package engine finds the Deno that runs JavaScript functions, or installs it.
//
// It owns the folder engine/ in brink's cache and nothing else:
//
//	<cache>/engine/.lock                       held while installing or cleaning
//	<cache>/engine/deno-2.9.6-linux-x64/deno   one folder for each platform
//	<cache>/engine/.install-*                  an install under way, or one that was killed
//
// A folder gets its name only by a rename, after npm compared what it downloaded
// with its checksum (brink's own, or the registry's; see pins.go) and after the program said its version.
// So whatever bears the name is whole, and finding it starts no process and uses
// no network. The package never runs a function and never writes outside the
// cache.
//
// Read [Ensure] first.
package engine
