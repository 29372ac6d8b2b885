package match

// compare puts a lead and an account side by side.
func (x *Index) compare(q *query, e *entry) levels {
	var l levels
	l[fDomain] = x.domainLevel(q, e)
	l[fCountry] = countryLevel(q, e, hasDomain(l))
	l.compareHosts(q, e)
	best := x.bestForms(q, e)
	l[fName] = best.level
	l[fJoint] = uint8(groupOfDomain(l[fDomain])*len(nameGroup) + groupOfName(best.level))
	if best.lead != nil {
		l.compareNames(q, &best)
		x.compareRest(&l, &best, q, e)
	}
	if q.name.Legal != NoLegal && e.name.Legal != NoLegal {
		l[fLegal] = 1
		if q.name.Legal != e.name.Legal {
			l[fLegal] = 2
		}
	}
	l[fTwins] = x.twins(q, e, best)
	l[fInitials] = x.initialsLevel(e, best)
	return l
}

// compareHosts says how the hosts of either side stand to the name of the other.
func (l *levels) compareHosts(q *query, e *entry) {
	if q.host.Class == Corporate {
		l[fLabel] = hostLabel(&q.host, e.name)
		l[fSub] = subLabel(&q.host, e.name)
		l[fLabelJoint] = uint8(groupOfDomain(l[fDomain])*len(labelLevels)) + l[fLabel]
	}
	if hasDomain(*l) {
		return
	}
	for i := range e.hosts {
		l[fBrand] = better(hostLabel(&e.hosts[i], q.name), l[fBrand])
		l[fBrandSub] = better(subLabel(&e.hosts[i], q.name), l[fBrandSub])
	}
}

// compareNames says what the names have in common and what not; more of it
// counts where the account has not the lead's domain.
func (l *levels) compareNames(q *query, best *pairing) {
	l[fLeadCover], l[fOrgCover] = tenth(best.leadCover), tenth(best.orgCover)
	l[fShared], l[fLeadExtra], l[fOrgExtra] = bit(best.shared), bit(best.leadExtra), bit(best.orgExtra)
	l[fNumbers], l[fPlaces] = best.numbers, best.places
	l[fFirst], l[fKind] = best.first, kindLevel(best.lead, best.org)
	l[fKindJoint] = l[fKind]*uint8(len(joint)) + l[fJoint]
	l[fBrandName] = l.withName(l[fBrand])
	if best.hosted > 0 {
		l[fHosted] = 1 + uint8(count(int(best.hosted) == len(best.lead.Tokens)))
	}
	switch nameGroup[groupOfName(best.level)] {
	case "same":
		l[fWorth] = 1 + 2*(bit(best.total)-1)
	case "near":
		l[fWorth] = 2 + 2*(bit(best.total)-1)
	}
	if hasDomain(*l) {
		return
	}
	l[fRest] = 1 + 16*quarter(best.shared) + 4*quarter(best.leadExtra) + quarter(best.orgExtra)
	l[fLeft] = 1 + uint8(len(leftSorts))*best.leadLeft + best.orgLeft
	l[fCounts] = best.counts()
	l[fPlaceName] = l.withName(best.places)
	l[fCountryName] = l.withName(l[fCountry] % 3)
	if q.host.Class == Corporate {
		l[fLabelName] = l.withName(l[fLabel])
	}
}

// withName is the level of something and the names jointly.
func (l *levels) withName(of uint8) uint8 {
	return 1 + uint8(len(nameGroup))*of + uint8(groupOfName(l[fName]))
}

// agrees reports whether anything that names an account is the same or alike.
// Two that only lie in one country, say, are not for a person to look at.
func agrees(l levels) bool {
	switch domainGroup[groupOfDomain(l[fDomain])] {
	case "own", "shared", "label":
		return true
	}
	if name := l[fName]; name != 0 && name != nothing {
		return true
	}
	return l[fLabel] != 0 || l[fBrand] != 0 || l[fSub] != 0 || l[fBrandSub] != 0 || l[fHosted] > 1 || l[fFamily] != 0
}

// countryLevel is how two countries stand to each other, told apart by whether
// the account has the lead's domain.
func countryLevel(q *query, e *entry, domain bool) uint8 {
	l := uint8(0)
	switch {
	case q.country == "" || e.country == "":
	case q.country == e.country:
		l = 1
	default:
		l = 2
	}
	if !domain {
		l += 3
	}
	return l
}

// quarter is the index of a rarity among rarities.
func quarter(v float64) uint8 {
	switch {
	case v <= 0:
		return 0
	case v < 5:
		return 1
	case v < 9:
		return 2
	}
	return 3
}

// tenth is the index of a share among tenths.
func tenth(v float64) uint8 {
	for i, top := range []float64{1e-9, .3, .5, .7, .85, .9999} {
		if v < top {
			return uint8(i + 1)
		}
	}
	return 7
}

// bit is the index of a rarity among bits.
func bit(v float64) uint8 {
	if v <= 0 {
		return 0
	}
	for i, top := range []float64{3, 4.5, 6, 7.5, 9, 11} {
		if v < top {
			return uint8(i + 1)
		}
	}
	return 7
}
