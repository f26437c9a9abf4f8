package watch

import "syscall"

// File systems on which inotify does not see what others write:
// https://man7.org/linux/man-pages/man2/statfs.2.html
var remoteTypes = map[uint32]bool{
	0x01021997: true, // 9p: the Windows drives of WSL 2
	0x6969:     true, // NFS
	0xff534d42: true, // CIFS
	0xfe534d42: true, // SMB 2 and 3
	0x517b:     true, // SMB
	0x65735546: true, // FUSE: sshfs, shared folders of virtual machines
	0x786f4256: true, // VirtualBox's shared folders
}

// remote says whether the folder is on a drive that has to be polled as well.
func remote(folder string) bool {
	var s syscall.Statfs_t
	return syscall.Statfs(folder, &s) == nil && remoteTypes[uint32(s.Type)]
}
