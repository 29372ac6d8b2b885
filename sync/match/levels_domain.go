package match

import "strings"

// domainLevel is how the lead's domain stands to the best of an account's hosts.
func (x *Index) domainLevel(q *query, e *entry) uint8 {
	switch q.host.Class {
	case NoDomain:
		return level(fDomain, "none")
	case Free, Disposable, Shared, Generic:
		return level(fDomain, "free")
	case Corporate:
	}
	best := ""
	for _, h := range e.hosts {
		if s := x.hostLevel(q, e, h); best == "" || level(fDomain, s) < level(fDomain, best) {
			best = s
		}
	}
	known := q.domains > 0
	switch {
	case best == "other" && known:
		best = "elsewhere"
	case best == "" && known:
		best = "no account domain elsewhere"
	case best == "":
		best = "no account domain"
	}
	return level(fDomain, best)
}

// hostLevel is how it stands to one of them, by name.
func (x *Index) hostLevel(q *query, e *entry, h Host) string {
	if h.Domain != q.host.Domain {
		switch {
		case h.Label == q.host.Label && len(h.Label) > 2:
			return "same label"
		case alikeLabels(h.Label, q.host.Label):
			return "label alike"
		}
		return "other"
	}
	same := h.Full == q.host.Full
	switch {
	case same && q.domains == 1:
		return "host only"
	case same && q.hosts == 1:
		return "host"
	case same:
		return "host shared"
	case q.domains == 1 && h.Full == h.Domain:
		return "only"
	case q.domains == 1 && strings.HasSuffix(h.Full, "."+q.host.Full):
		return "only below"
	case q.domains == 1 && !strings.HasSuffix(q.host.Full, "."+h.Full):
		return "only beside"
	case q.domains == 1:
		return "only"
	case h.Full == h.Domain || e.isRoot || strings.HasSuffix(q.host.Full, "."+h.Full):
		return "root"
	case strings.HasSuffix(h.Full, "."+q.host.Full):
		return "shared below"
	case q.domains <= 5:
		return "few"
	}
	return "many"
}

// alikeLabels reports whether one label begins or ends with the other, or is but
// a letter from it.
func alikeLabels(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return len(a) >= 5 && (strings.HasPrefix(b, a) || strings.HasSuffix(b, a)) || len(a) >= 6 && edits(a, b, 1) <= 1
}
