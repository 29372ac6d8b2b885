package state

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"fmt"
	"io"
	"sync"
)

// A packed payload begins with how it is packed. The dictionary of a packing
// is never changed, for what was written with it must stay readable: a better
// one gets the next number.
const (
	packedPlain = 0 // as it is
	packedFlate = 1 // DEFLATE with dictionary-1.txt
)

// The text a window of DEFLATE starts from: what nearly every record and
// decision holds, the commonest at the end.
//
//go:embed dictionary-1.txt
var dictionary1 []byte

// unpackLimit is the most a payload may grow to. Nothing we store comes near.
const unpackLimit = 16 << 20

// A compressor is 600 KB of tables, so they are used again. A pool is a cache:
// nothing can be observed of it but speed.
var compressors = sync.Pool{New: func() any {
	w, _ := flate.NewWriterDict(io.Discard, flate.DefaultCompression, dictionary1) // fails for unknown levels only
	return w
}}

// pack appends the packed form of raw to dst.
func pack(dst, raw []byte) []byte {
	start := len(dst)
	out := bytes.NewBuffer(append(dst, packedFlate))
	w, ok := compressors.Get().(*flate.Writer)
	if !ok {
		return append(append(dst, packedPlain), raw...)
	}
	defer compressors.Put(w)
	w.Reset(out)
	_, err := w.Write(raw)
	if closed := w.Close(); err != nil || closed != nil || out.Len()-start > len(raw) {
		return append(append(dst[:start:start], packedPlain), raw...)
	}
	return out.Bytes()
}

var expanders = sync.Pool{New: func() any {
	return flate.NewReaderDict(bytes.NewReader(nil), dictionary1)
}}

func unpack(payload []byte) ([]byte, error) {
	if len(payload) == 0 {
		return nil, fmt.Errorf("%w: a packed value is empty", ErrCorrupt)
	}
	switch payload[0] {
	case packedPlain:
		return payload[1:], nil
	case packedFlate:
	default:
		return nil, fmt.Errorf("%w: a value is packed in way %d, this build knows %d", ErrNewer, payload[0], packedFlate)
	}
	r, ok := expanders.Get().(io.ReadCloser)
	if !ok {
		r = flate.NewReaderDict(nil, dictionary1)
	}
	defer expanders.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(payload[1:]), dictionary1); err != nil {
		return nil, fmt.Errorf("%w: unpack: %w", ErrCorrupt, err)
	}
	raw, err := io.ReadAll(io.LimitReader(r, unpackLimit+1))
	if err != nil {
		return nil, fmt.Errorf("%w: unpack: %w", ErrCorrupt, err)
	}
	if len(raw) > unpackLimit {
		return nil, fmt.Errorf("%w: a value unpacks to more than %d bytes", ErrCorrupt, unpackLimit)
	}
	return raw, nil
}
