package worker

import "bytes"

// maxLine is the longest output line handed on in one piece, in bytes.
const maxLine = 64 << 10

// lineWriter cuts what is written to it into lines. The last one, without a
// newline, is handed on by flush.
type lineWriter struct {
	emit func(line string)
	rest []byte
}

func (l *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			l.keep(p)
			break
		}
		l.keep(p[:i])
		l.end()
		p = p[i+1:]
	}
	return n, nil
}

// keep adds to the line that has not ended, handing on what is too long.
func (l *lineWriter) keep(p []byte) {
	l.rest = append(l.rest, p...)
	for len(l.rest) > maxLine {
		l.emit(string(l.rest[:maxLine]))
		l.rest = append(l.rest[:0], l.rest[maxLine:]...)
	}
}

// end hands on the line that has ended.
func (l *lineWriter) end() {
	l.emit(string(bytes.TrimSuffix(l.rest, []byte{'\r'})))
	l.rest = l.rest[:0]
}

func (l *lineWriter) flush() {
	if len(l.rest) > 0 {
		l.end()
	}
}
