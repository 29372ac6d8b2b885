package normalize

import (
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/unicode/norm"
)

const (
	maxHost = 253 // RFC 1035
	maxURL  = 2048
)

// Email is an address in the form that identifies: lower case, compatibility
// forms folded, host in ASCII. A tag behind + is kept: the CRMs tell such
// addresses apart, and so do their look-ups.
func Email(s string) (canonical string, ok bool) {
	if len(s) > maxURL {
		return "", false
	}
	s = trim(s)
	if !plainASCII(s) {
		s = trim(norm.NFKC.String(strings.ToLower(norm.NFKC.String(s))))
	}
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || len(local) > 64 || strings.ContainsFunc(local, notLocal) {
		return "", false
	}
	host := hostname(domain)
	if host == "" {
		return "", false
	}
	return strings.ToLower(local) + "@" + host, true
}

func notLocal(c rune) bool {
	return blank(c) || strings.ContainsRune(`@,;:<>()[]\"`, c) || c == unicode.ReplacementChar
}

// HostOf is the host of an e-mail address, a web address or a bare host, in
// lower-case ASCII and without www; "" where there is none. Of several,
// separated by commas or semicolons, it is the first.
func HostOf(s string) string {
	if len(s) > maxURL {
		return ""
	}
	s = trim(s)
	if i := strings.IndexAny(s, ",;"); i >= 0 {
		s = trim(s[:i])
	}
	if rest, ok := cutFold(s, "mailto:"); ok {
		s = rest
	} else if i := strings.Index(s, "//"); i >= 0 && (i == 0 || s[i-1] == ':') {
		s = s[i+2:]
	}
	if i := strings.IndexAny(s, `/?#\`); i >= 0 {
		s = s[:i]
	}
	if user, host, ok := strings.Cut(s, "@"); ok {
		if user == "" {
			return ""
		}
		s = host
	}
	if host, port, ok := strings.Cut(s, ":"); ok {
		if strings.Trim(port, "0123456789") != "" {
			return ""
		}
		s = host
	}
	host := hostname(s)
	for {
		rest, ok := strings.CutPrefix(host, "www.")
		if !ok || !strings.Contains(rest, ".") {
			return host
		}
		host = rest
	}
}

func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// hostname is a host with at least one dot, in lower-case ASCII; "" for
// anything else, an IP address included.
func hostname(s string) string {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > maxHost {
		return ""
	}
	if !simple(s) {
		ascii, err := idna.Lookup.ToASCII(s)
		if err != nil {
			return ""
		}
		// Some hosts encode to what does not decode again.
		if again, err := idna.Lookup.ToASCII(ascii); err != nil || again != ascii {
			return ""
		}
		s = strings.TrimSuffix(ascii, ".")
	}
	s = strings.ToLower(s)
	if len(s) > maxHost || !strings.Contains(s, ".") {
		return ""
	}
	last := ""
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return ""
		}
		last = label
	}
	if strings.Trim(last, "0123456789") == "" {
		return ""
	}
	return s
}

// simple reports whether a host needs no IDNA: letters, digits, hyphens and
// dots, and no label that is already encoded.
func simple(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return !strings.Contains(strings.ToLower(s), "xn--")
}

// Registrable is the part of a host that somebody has registered, one label
// below the public suffix, where sites under one hoster count as apart:
// acme.co.uk of shop.acme.co.uk, acme.github.io of acme.github.io; "" for a
// public suffix itself and for what is no host.
func Registrable(host string) string {
	host = hostname(host)
	if host == "" {
		return ""
	}
	d, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return ""
	}
	return d
}
