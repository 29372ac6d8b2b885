package hubspotsim

import (
	"strconv"
	"strings"
)

// defaultCompanies is one line per company: name, domain, country, employees, owner, segment, flags
// (named, customer, deal).
const defaultCompanies = `
Acme|acme.com|United States|1200|ana|enterprise|named
Initech|initech.com|United States|300|||
Globex|globex.example|United States|4200|dev|enterprise|named deal
Umbrella Health|umbrella-health.example|United States|900|ben|mid_market|customer
Hooli|hooli.example|United States|15000|erin|enterprise|named customer
Stark Components|stark-components.example|United States|2600|dev|enterprise|deal
Wayne Logistics|waynelogistics.example|United States|700|cleo|mid_market|deal
Wonka Foods|wonkafoods.co.uk|United Kingdom|450|isla|mid_market|customer
Tyrell Instruments|tyrell.example|United States|85||small|
Cyberdyne Analytics|cyberdyne.example|United States|140||small|deal
Soylent Farms|soylentfarms.example|Canada|60||small|
Vandelay Imports|vandelay.example|United States|22||small|
Duff Beverages|duff.example|United States|380|ana|mid_market|deal
Oceanic Travel|oceanic.example|Australia|2100|erin|enterprise|
Massive Dynamics|massivedynamics.example|United States|5400|dev|enterprise|named
Pied Piper|piedpiper.example|United States|48||small|customer
Gekko Capital|gekko.example|United States|210|ben|mid_market|
Nakatomi Trading|nakatomi.co.jp|Japan|3300|erin|enterprise|deal
Aperture Optics|aperture.example|United States|510|cleo|mid_market|
Black Mesa Labs|blackmesa.example|United States|640|ben|mid_market|
Monarch Shipping|monarch.example|Ireland|330|isla|mid_market|
Sirius Robotics|siriusrobotics.de|Germany|1250|dev|enterprise|
Blue Sun Energy|bluesun.example|Canada|1800|erin|enterprise|
Weyland Mining|weyland.co.uk|United Kingdom|7200|isla|enterprise|named
Prestige Motors|prestigemotors.example|Spain|280|erin|mid_market|
Planet Couriers|planetcouriers.example|United States|18||small|
Zorin Semiconductors|zorin.example|France|950|dev|mid_market|
Octan Fuels|octan.example|Denmark|2300|erin|enterprise|
Gringott Savings|gringott.co.uk|United Kingdom|1100|isla|enterprise|customer
Paper Street Soap|paperstreet.example|United States|35||small|
Bluth Homes|bluth.example|United States|120|ana|small|
Sterling Draper|sterlingdraper.example|United States|410|ben|mid_market|
Dunder Paper|dunder.example|United States|260|cleo|mid_market|deal
Krusty Foods|krusty.example|United States|3100|dev|enterprise|
Los Pollos|lospollos.example|United States|190|ana|small|
Virtucon|virtucon.example|United Kingdom|560|isla|mid_market|
Spacely Parts|spacely.example|United States|75||small|
Slate Quarries|slate.example|United States|820|ben|mid_market|
Ewing Petroleum|ewing.example|United States|1450|erin|enterprise|
Cogswell Cogs|cogswell.example|United States|90||small|
Rekall Travel|rekall.example|United States|240||mid_market|
Tessier Bank|tessier.example|Switzerland|1600|erin|enterprise|customer
`

// DefaultWorld is what New puts into the portal beside its users and fields: some forty companies, a few
// of them named accounts or customers, and open deals with some of them. Owners stand by e-mail.
func DefaultWorld() World {
	const since = "2025-03-03T10:00:00Z"
	world := World{}
	for i, line := range strings.Split(strings.TrimSpace(defaultCompanies), "\n") {
		f := strings.Split(line, "|")
		id := 11 + 3*i
		has := func(flag string) bool { return strings.Contains(f[6], flag) }
		fields := map[string]any{
			"name": f[0], "domain": f[1], "country": f[2], "numberofemployees": f[3], "segment": f[5],
			"is_named_account": has("named"), "lifecyclestage": "lead", "createdate": since,
		}
		switch {
		case has("customer"):
			fields["lifecyclestage"] = "customer"
		case has("deal"):
			fields["lifecyclestage"] = "opportunity"
		}
		if f[4] != "" {
			fields["hubspot_owner_id"] = f[4] + "@example.com"
		}
		if has("customer") {
			fields["csm"] = "farah@example.com"
		}
		company := Row{ID: strconv.Itoa(id), Fields: fields}
		world["companies"] = append(world["companies"], company)
		if has("deal") {
			deal := map[string]any{
				"dealname": f[0] + " - new business", "pipeline": "default", "dealstage": "qualifiedtobuy",
				"amount": 12_000 + 700*id, "createdate": since, "hs_is_closed": false, "hs_is_closed_won": false,
			}
			if owner := fields["hubspot_owner_id"]; owner != nil {
				deal["hubspot_owner_id"] = owner
			}
			world["deals"] = append(world["deals"], Row{
				ID: strconv.Itoa(id), Fields: deal, Links: []Link{{Kind: "companies", ID: company.ID}},
			})
		}
	}
	return world
}

// loadDefault loads DefaultWorld, which this package's tests hold to be right.
func (s *Sim) loadDefault() {
	_ = s.LoadWorld(DefaultWorld())
}
