package match

import "slices"

// lands are how many accounts of one city are in which country.
type lands []land

type land struct {
	country uint16
	n       uint32
}

// settle takes down in which country a city is, or takes it back.
func (x *Index) settle(e *entry, by int) {
	if len(e.city) == 0 || e.country == "" {
		return
	}
	city, country := e.cityHash(), codeOf(e.country)
	all := x.lands[city]
	i := slices.IndexFunc(all, func(l land) bool { return l.country == country })
	if i < 0 {
		i, all = len(all), append(all, land{country: country})
	}
	if all[i].n += uint32(by); all[i].n == 0 {
		all = slices.Delete(all, i, i+1)
	}
	if x.lands[city] = all; len(all) == 0 {
		delete(x.lands, city)
	}
}

// countryOfCity is where an account is by its city, as far as nine in ten of the
// others there agree; "" where they do not.
func (x *Index) countryOfCity(e *entry) string {
	if len(e.city) == 0 {
		return ""
	}
	var sum, most uint32
	var code uint16
	for _, l := range x.lands[e.cityHash()] {
		sum += l.n
		if l.n > most {
			most, code = l.n, l.country
		}
	}
	if sum < 2 || most*10 < sum*9 {
		return ""
	}
	return string([]byte{byte(code >> 8), byte(code)})
}

func (x *Index) isCity(w string) bool { return x.cities[uint32(hashOf(0, w))] > 0 }
