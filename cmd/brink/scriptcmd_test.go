package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptCommands are what scripts in testdata/script can do besides
// testscript's own commands. Everything that has to wait does so for a
// condition, for scriptDeadline at most. Regular expressions are not anchored.
//
// $REPO is this repository, for fixtures; $NUMCPU how many processors there are.
//
// Serving
//
//	serve [-name n] [-e K=V]... [args]  starts brink functions serve --port 0 --log-format json args, waits until it
//	                           is ready, sets $URL (http://127.0.0.1:PORT/functions/v1), $BASE (without the path)
//	                           and $PORT. With -name also $URL_n and so on. The last one started is meant by other
//	                           commands; use n changes that.
//	serve -pretty ...          the same with the output for people; see output
//	use n                      other commands mean server n from here on
//	halt [-signal INT|TERM|KILL] [-code N] [n]  ends the server (SIGINT): it has to exit with N (0), and no process
//	                           and no folder of its workers may be left. After KILL, or when N is -1 (ended by the
//	                           signal), it waits until they are gone, and the next serve has to remove the folder
//	signal INT|TERM|KILL       sends a signal only
//	output regexp              waits until what the server printed (stdout and stderr) matches. ! output: does not now
//
// Events of --log-format json. A condition is field=regexp, or field!=regexp; lists are matched as JSON text.
//
//	event [-set VAR=field]... kind [condition]...  waits for an event; one event satisfies one command only
//	! event kind [condition]...  none has come since the last mark that was not asked for
//	mark                       forgets all events so far
//
// Requests. url is a path below $URL, or a whole URL.
//
//	http [-bg name] [-H 'K: v']... [-d body | -f file | -size N] METHOD url   makes a request; the body (64 KiB of it) is stdout
//	http without -bg waits for the whole response; -bg goes on, and await name waits for it.
//	http -until regexp ...     makes it again and again until the body matches
//	await name                 the response of a request made with -bg
//	abandon name               its client goes away
//	parallel N [-H]... METHOD url  N requests at once; status, body and header hold for each
//	barrage url                goes on making requests; barrage stop ends that, and each has to have got 200
//	distinct N                 the bodies of the last parallel are N different ones
//	status N                   the last response's status
//	[!] body regexp            its body
//	bodysize N                 its body is what -size N sends
//	[!] header name [regexp]   one of its headers
//	capture VAR regexp         sets $VAR to the (first group of the) match in the last command's stdout
//	fresh N file url           N times: replaces @N@ in file's text by a number, and the next request to url has to
//	                           answer with that number
//
// Files
//
//	edit file source           replaces file by a copy of source, at once, as editors do
//	replace file old new       the same, with one string replaced
//	append file source         adds source to file, in the same way
//	decode file base64         writes bytes, which a script cannot hold as a file
//
// Stand-ins on 127.0.0.1
//
//	fileserver VAR dir         serves dir, sets $VAR to its URL
//	jsrserver dir              a JSR registry with dir's @scope/name/version/... (an exports file "mod.ts" each); sets
//	                           $JSR_URL, which servers started afterwards get
//	echoserver VAR             answers with method, url, headers and body as JSON, and echoes WebSocket messages
//	takeport VAR               listens on a port, to have it taken
//
// WebSockets, -name n for more than one ("" is the default)
//
//	[!] ws connect [-name n] [-subprotocol p]... [-H 'K: v']... [-compress] url   ! : refused, see status, body, header
//	ws subprotocol regexp      what was agreed upon
//	ws send text               a text message; -size N: of N bytes (the n-th byte is 'a' + n mod 26)
//	ws sendbinary N            a binary message of N bytes (the n-th byte is n mod 251)
//	ws recv regexp             the next message is text and matches; it is the command's stdout
//	ws recvbinary N            the next message is binary, of N bytes as above. recvsize N: text, as above
//	ws ping                    a ping is answered
//	ws close code [reason]     closes, and waits for the answer
//	ws drop                    drops the connection without a Close frame
//	ws expectclose code [reason-regexp]  the next thing is the end, with this code; 1006: without a Close frame
//	crowd N url                N sockets at once, each of which gets back what it sends
//
// WebSockets frame by frame, one at a time. Opcodes: 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong.
//
//	wire connect [-H 'K: v']... [-early text] url   opens one; header looks at the answer; -early: a text message in
//	                           the same packet as the handshake
//	wire frame [-more] opcode payload sends a frame; -more: not the last one of its message
//	wire expect [-more] opcode regexp the next frame
//	wire drain N               reads data frames of N bytes altogether
//	wire flood N               goes on to send N bytes; stalled M waits until it is held up, before byte M; flooded
//	                           until all is sent
//	wire half                  sends nothing more, and says so to TCP only. wire end: the other side has ended as well
//	wire raw text, rawexpect text  bytes outside of frames
//	rss note, rss within MB    remembers brink's resident memory, and compares with it
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"serve": cmdServe, "use": cmdUse, "halt": cmdHalt, "signal": cmdSignal, "output": cmdOutput,
	"event": cmdEvent, "mark": cmdMark,
	"http": cmdHTTP, "await": cmdAwait, "abandon": cmdAbandon, "parallel": cmdParallel, "barrage": cmdBarrage, "distinct": cmdDistinct,
	"status": cmdStatus, "body": cmdBody, "bodysize": cmdBodySize, "header": cmdHeader, "capture": cmdCapture, "fresh": cmdFresh,
	"edit": cmdEdit, "replace": cmdReplace, "append": cmdAppend, "decode": cmdDecode,
	"fileserver": cmdFileServer, "jsrserver": cmdJSRServer, "echoserver": cmdEchoServer, "takeport": cmdTakePort,
	"ws": cmdWS, "wire": cmdWire, "crowd": cmdCrowd, "rss": cmdRSS,
}

// scriptDeadline bounds every wait of a script.
const scriptDeadline = 60 * time.Second

// script is the state of one script. Its commands run one at a time.
type script struct {
	ctx     context.Context // ends with the script
	cancel  context.CancelFunc
	t       testscript.T
	work    string
	environ []string

	servers map[string]*served
	current *served
	calls   map[string]*exchanged // requests made with -bg
	last    []answer              // what status, body and header look at
	sockets map[string]*socket
	wire    *wireSocket
	closers []func()
	edits   int // counts those of fresh
	barrage *barrage
	orphans []string // folders of killed brinks

	resident uint64 // brink's memory when rss note was called
}

type stateKey struct{}

func stateOf(ts *testscript.TestScript) *script { return ts.Value(stateKey{}).(*script) }

// close ends what the script left running.
func (s *script) close() {
	s.cancel()
	for _, c := range s.sockets {
		c.conn.CloseNow()
		<-c.done
	}
	for _, v := range s.servers {
		v.kill()
		s.t.Log(v.transcript())
	}
	for _, c := range s.calls {
		<-c.done
	}
	for _, f := range s.closers {
		f()
	}
}

// within runs a wait that ends in time.
func (s *script) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.ctx, scriptDeadline)
}

// flagArgs takes flags with a value from the front of args: each is handed to
// set by its name, without the dash. Names in bare take no value.
func flagArgs(ts *testscript.TestScript, args []string, bare string, set map[string]func(string)) []string {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		name := args[0][1:]
		f := set[name]
		switch {
		case f == nil:
			return args // it belongs to the command that is run
		case strings.Contains(" "+bare+" ", " "+name+" "):
			f("")
			args = args[1:]
		case len(args) < 2:
			ts.Fatalf("-%s needs a value", name)
		default:
			f(args[1])
			args = args[2:]
		}
	}
	return args
}

// only refuses the wrong number of arguments.
func only(ts *testscript.TestScript, args []string, low, high int, usage string) {
	if len(args) < low || len(args) > high {
		ts.Fatalf("usage: %s", usage)
	}
}

func noNegation(ts *testscript.TestScript, neg bool) {
	if neg {
		ts.Fatalf("this command cannot be negated")
	}
}

func compile(ts *testscript.TestScript, expr string) *regexp.Regexp {
	re, err := regexp.Compile("(?s)" + expr)
	ts.Check(err)
	return re
}

func number(ts *testscript.TestScript, text string) int {
	n, err := strconv.Atoi(text)
	ts.Check(err)
	return n
}

func itoa(n int) string { return strconv.Itoa(n) }

func cmdEdit(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	only(ts, args, 2, 2, "edit file source")
	replaceFile(ts, args[0], ts.ReadFile(args[1]))
}

func cmdReplace(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	only(ts, args, 3, 3, "replace file old new")
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not contain %q", args[0], args[1])
	}
	replaceFile(ts, args[0], strings.Replace(text, args[1], args[2], 1))
}

func cmdAppend(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	only(ts, args, 2, 2, "append file source")
	replaceFile(ts, args[0], ts.ReadFile(args[0])+ts.ReadFile(args[1]))
}

func cmdDecode(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	only(ts, args, 2, 2, "decode file base64")
	data, err := base64.StdEncoding.DecodeString(args[1])
	ts.Check(err)
	replaceFile(ts, args[0], string(data))
}

// replaceFile writes a file beside name and renames it over name.
func replaceFile(ts *testscript.TestScript, name, text string) {
	path := ts.MkAbs(name)
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
	scratch := filepath.Join(filepath.Dir(path), ".edit.tmp")
	ts.Check(os.WriteFile(scratch, []byte(text), 0o644))
	ts.Check(os.Rename(scratch, path))
}

func cmdCapture(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	only(ts, args, 2, 2, "capture VAR regexp")
	text := ts.ReadFile("stdout")
	m := compile(ts, args[1]).FindStringSubmatch(text)
	if m == nil {
		ts.Fatalf("%q does not match %s", text, args[1])
	}
	ts.Setenv(args[0], m[len(m)-1])
}

// freshMark is what an earlier fresh wrote.
var freshMark = regexp.MustCompile(`edit-\d+-`)

func cmdFresh(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	only(ts, args, 3, 3, "fresh N file url")
	s := stateOf(ts)
	source := freshMark.ReplaceAllString(ts.ReadFile(args[1]), "@N@")
	for range number(ts, args[0]) {
		s.edits++
		want := fmt.Sprintf("edit-%d-", s.edits)
		replaceFile(ts, args[1], strings.ReplaceAll(source, "@N@", want))
		got := s.do(ts, request{method: "GET", url: args[2]})
		if got.err != nil || !strings.Contains(got.body, want) {
			ts.Fatalf("after edit %d: status %d, body %q, error %v", s.edits, got.status, got.body, got.err)
		}
	}
}
