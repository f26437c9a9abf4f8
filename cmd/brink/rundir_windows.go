package main

import "os"

// alive says whether a process exists: on Windows finding it opens it.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	p.Release()
	return true
}
