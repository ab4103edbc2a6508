package mail

import (
	"bufio"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"net/textproto"
	"strings"
)

// Report is what a mail server says of a message that it could not deliver
// (RFC 3464), of one recipient.
type Report struct {
	To        []string // whom the report itself is for: where the message was to return
	Recipient string   // as Address returns it
	Action    string   // failed, delayed, delivered, relayed, expanded
	Status    string   // 5.1.1
}

// Failed says whether the message will not arrive.
func (r Report) Failed() bool { return r.Action == "failed" }

// Wrong says whether it is for want of such an address, for good: who is written
// to again is not there. A full mailbox, a message that was not liked or a server
// out of order are not that.
func (r Report) Wrong() bool {
	return r.Failed() && (strings.HasPrefix(r.Status, "5.1.") || r.Status == "5.2.1")
}

// ErrNoReport is what ReadReport answers to any other message.
var ErrNoReport = errors.New("mail: no delivery report")

// reportMost bounds a report; the message that came back is behind it.
const reportMost = 1 << 20

// ReadReport reads a returned message.
func ReadReport(from io.Reader) (Report, error) {
	m, err := netmail.ReadMessage(bufio.NewReader(io.LimitReader(from, reportMost)))
	if err != nil {
		return Report{}, ErrNoReport
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/report" || !strings.EqualFold(params["report-type"], "delivery-status") {
		return Report{}, ErrNoReport
	}
	var out Report
	for _, name := range []string{"X-Original-To", "Delivered-To", "To"} {
		for _, v := range m.Header[textproto.CanonicalMIMEHeaderKey(name)] {
			if list, err := netmail.ParseAddressList(v); err == nil {
				for _, a := range list {
					out.To = append(out.To, a.Address)
				}
			}
		}
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := parts.NextPart()
		if err != nil {
			return Report{}, ErrNoReport
		}
		if kind, _, err := mime.ParseMediaType(p.Header.Get("Content-Type")); err != nil || kind != "message/delivery-status" && kind != "message/global-delivery-status" {
			continue
		}
		fields := textproto.NewReader(bufio.NewReader(p))
		for { // of the message, then of each recipient
			block, err := fields.ReadMIMEHeader()
			if to := block.Get("Final-Recipient"); to != "" {
				if original := block.Get("Original-Recipient"); original != "" {
					to = original // what was written to, before any forwarding
				}
				_, to, _ = strings.Cut(to, ";")
				if out.Recipient, err = Address(strings.Trim(strings.TrimSpace(to), "<>")); err != nil {
					return Report{}, ErrNoReport
				}
				out.Action = strings.ToLower(strings.TrimSpace(block.Get("Action")))
				out.Status, _, _ = strings.Cut(strings.TrimSpace(block.Get("Status")), " ")
				return out, nil
			}
			if err != nil {
				return Report{}, ErrNoReport
			}
		}
	}
}
