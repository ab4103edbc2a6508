package media

import (
	"bytes"
	"encoding/binary"
)

// shape is what the headers of a picture tell before anything is decoded.
type shape struct {
	orientation int  // 1 to 8 (EXIF 2.3, tag 0x0112), 1 when absent or nonsense
	progressive bool // a JPEG whose coefficients are all held while decoding
}

// maxSegments bounds the walk through headers; no camera writes as many.
const maxSegments = 200

// inspect walks the segments of a JPEG or the chunks of a PNG or WebP.
func inspect(b []byte) shape {
	s := shape{orientation: 1}
	switch {
	case len(b) > 2 && b[0] == 0xFF && b[1] == 0xD8:
		inspectJPEG(b[2:], &s)
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		s.orientation = chunk(b[8:], "eXIf", func(h []byte) (kind string, size, padded int) {
			n := int(binary.BigEndian.Uint32(h))
			return string(h[4:8]), n, n + 4 // a checksum follows
		})
	case len(b) > 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		s.orientation = chunk(b[12:], "EXIF", func(h []byte) (kind string, size, padded int) {
			n := int(binary.LittleEndian.Uint32(h[4:]))
			return string(h[:4]), n, n + n&1
		})
	}
	return s
}

func inspectJPEG(b []byte, s *shape) {
	for range maxSegments {
		if len(b) < 4 || b[0] != 0xFF {
			return
		}
		marker := b[1]
		if marker == 0xFF { // fill byte
			b = b[1:]
			continue
		}
		if marker == 0xDA || marker == 0xD9 { // the picture itself begins
			return
		}
		n := int(binary.BigEndian.Uint16(b[2:]))
		if n < 2 || len(b) < 2+n {
			return
		}
		body := b[4 : 2+n]
		switch {
		case marker == 0xC2:
			s.progressive = true
		case marker == 0xE1 && bytes.HasPrefix(body, []byte("Exif\x00\x00")):
			s.orientation = orientation(body[6:])
		}
		b = b[2+n:]
	}
}

// chunk walks chunks with headers of 8 bytes to the one that holds EXIF.
func chunk(b []byte, want string, head func([]byte) (kind string, size, padded int)) int {
	for range maxSegments {
		if len(b) < 8 {
			break
		}
		kind, size, padded := head(b)
		b = b[8:]
		if size > len(b) {
			break
		}
		if kind == want {
			return orientation(bytes.TrimPrefix(b[:size], []byte("Exif\x00\x00")))
		}
		if padded > len(b) {
			break
		}
		b = b[padded:]
	}
	return 1
}

// orientation reads tag 0x0112 of the first directory of a TIFF header.
func orientation(tiff []byte) int {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(tiff, []byte("II*\x00")):
		order = binary.LittleEndian
	case bytes.HasPrefix(tiff, []byte("MM\x00*")):
		order = binary.BigEndian
	default:
		return 1
	}
	if len(tiff) < 8 {
		return 1
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	n := int(order.Uint16(tiff[at:]))
	entries := tiff[at+2:]
	for i := 0; i < n && i < maxSegments && len(entries) >= 12; i++ {
		const short = 3
		if order.Uint16(entries) == 0x0112 && order.Uint16(entries[2:]) == short {
			if o := int(order.Uint16(entries[8:])); o >= 1 && o <= 8 {
				return o
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}
