package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// openPTY returns both ends of a new pseudo-terminal; see pts(4).
func openPTY(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	var unlock, number int32
	if err := ioctl(int(master.Fd()), syscall.TIOCSPTLCK, unsafe.Pointer(&unlock)); err != nil {
		t.Fatal(err)
	}
	if err := ioctl(int(master.Fd()), syscall.TIOCGPTN, unsafe.Pointer(&number)); err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

func settings(t *testing.T, f *os.File) syscall.Termios {
	t.Helper()
	var s syscall.Termios
	if err := ioctl(int(f.Fd()), getTermios, unsafe.Pointer(&s)); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestKeysOnARealTerminal(t *testing.T) {
	master, slave := openPTY(t)
	before := settings(t, slave)
	keys, err := StartKeys(t.Context(), slave)
	if err != nil {
		t.Fatal(err)
	}
	during := settings(t, slave)
	if during.Lflag&(syscall.ICANON|syscall.ECHO) != 0 {
		t.Error("the terminal still reads lines or echoes")
	}
	if during.Lflag&syscall.ISIG == 0 || during.Oflag&syscall.OPOST == 0 {
		t.Error("Ctrl-C is no signal any more, or new lines are not whole")
	}
	for _, key := range []Key{KeyRestart, KeyQuit} {
		if _, err := master.Write([]byte{byte(key)}); err != nil {
			t.Fatal(err)
		}
		if got := <-keys.Typed(); got != key {
			t.Errorf("got %q, want %q", got, key)
		}
	}
	if err := keys.Close(); err != nil {
		t.Fatal(err)
	}
	if after := settings(t, slave); after != before {
		t.Errorf("the terminal was not restored: %+v, was %+v", after, before)
	}
}

func TestKeysLeaveTheTerminalToTheProcessInFront(t *testing.T) {
	_, slave := openPTY(t)
	before := settings(t, slave)
	kb, err := newKeyboard(slave)
	if err != nil {
		t.Fatal(err)
	}
	kb.(*unixKeyboard).foreground = func() bool { return false }
	keys, err := startKeys(t.Context(), kb)
	if err != nil {
		t.Fatal(err)
	}
	if settings(t, slave) != before {
		t.Error("a process in the background has changed the terminal")
	}
	if err := keys.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestHelperKeys is no test: it is the process that the next one starts.
func TestHelperKeys(t *testing.T) {
	if os.Getenv("BRINK_TEST_KEYS") == "" {
		return
	}
	keys, err := StartKeys(t.Context(), os.Stdin)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("started")
	fmt.Printf("key %c\n", <-keys.Typed())
	keys.Close()
	os.Exit(7)
}

func TestCtrlCStaysASignalAndCtrlBackslashRestores(t *testing.T) {
	for control, want := range map[byte]string{3: "signal: interrupt", 28: "exit status 2", 'q': "exit status 7"} {
		master, slave := openPTY(t)
		before := settings(t, slave)
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHelperKeys$")
		cmd.Env = append(os.Environ(), "BRINK_TEST_KEYS=1")
		cmd.Stdin = slave
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() && !strings.Contains(lines.Text(), "started") {
		}
		if _, err := master.Write([]byte{control}); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
		}
		err = cmd.Wait()
		if err == nil || err.Error() != want {
			t.Errorf("after %d: %v, want %s", control, err, want)
		}
		if control != 3 && settings(t, slave) != before { // SIGINT is for serve to catch
			t.Errorf("after %d the terminal was not restored", control)
		}
	}
}
