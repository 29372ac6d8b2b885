package match

import (
	"slices"
	"strings"

	"github.com/handoffd/handoffd/sync/normalize"
)

// DomainClass says what a registrable domain tells of its user's company.
type DomainClass int

// The classes. Only a corporate domain identifies anybody.
const (
	NoDomain   DomainClass = iota
	Corporate              // somebody's own
	Free                   // mail for everybody
	Disposable             // mail for a day
	Shared                 // a builder or hoster of sites for everybody
	Generic                // learnt: on many accounts that have nothing to do with each other
)

// ClassOf is the class of a registrable domain by the tables; Generic is for
// an index to find out.
func ClassOf(domain string) DomainClass {
	switch {
	case domain == "":
		return NoDomain
	case freeHosts[domain] || freeBrand(domain):
		return Free
	case disposableHosts[domain]:
		return Disposable
	case sharedHosts[domain]:
		return Shared
	}
	return Corporate
}

// freeBrand knows the mail brands that exist under many endings, like
// yahoo.co.in and hotmail.fr.
func freeBrand(domain string) bool {
	label, _, ok := strings.Cut(domain, ".")
	return ok && freeBrands[label]
}

// Host is where somebody's mail or site lives.
type Host struct {
	Full   string   // mail.acme.co.uk, without www and language
	Domain string   // acme.co.uk
	Label  string   // acme
	Pieces []string // of a label that is written with hyphens: of uni-norland.de uni and norland
	Sub    []string // what stands in front of the domain, nearest first: of imb.norland.edu imb
	Class  DomainClass
}

// has reports whether a word is the label of the domain or stands before it.
func (h Host) has(w string) bool { return w == h.Label || slices.Contains(h.Sub, w) }

// NewHost reads the host of an address, a web address or a bare host; the zero
// Host where there is none.
func NewHost(s string) Host {
	full := normalize.HostOf(s)
	domain := normalize.Registrable(full)
	if domain == "" {
		return Host{}
	}
	for full != domain {
		first, rest, _ := strings.Cut(full, ".")
		if !plainLabels[first] {
			break
		}
		full = rest
	}
	label, _, _ := strings.Cut(domain, ".")
	h := Host{Full: full, Domain: domain, Label: strings.ReplaceAll(label, "-", ""), Class: ClassOf(domain)}
	if h.Label != label {
		h.Pieces = strings.FieldsFunc(clip(label, maxTyped), func(c rune) bool { return c == '-' })
		h.Pieces = h.Pieces[:min(len(h.Pieces), maxSub)]
	}
	if before, ok := strings.CutSuffix(full, "."+domain); ok {
		for l := range strings.SplitSeq(before, ".") {
			if l = strings.ReplaceAll(l, "-", ""); len(l) > 1 && !plainLabels[l] && len(h.Sub) < maxSub {
				h.Sub = append(h.Sub, l)
			}
		}
		slices.Reverse(h.Sub)
	}
	return h
}

// maxSub bounds what a hostile host may cost.
const maxSub = 4

// plainLabels in front of a host say nothing of whose it is.
var plainLabels = words("www www1 www2 www3 web en eng english de fr es it pt jp cn global corp home m mail email portal us uk eu int international main site new old go my info")

var freeBrands = words("gmail googlemail yahoo ymail hotmail outlook live msn aol gmx rediffmail protonmail icloud zoho-mail yandex tiscali mail2world fastmail tutanota")

var disposableHosts = words("mailinator.com guerrillamail.com guerrillamail.net sharklasers.com grr.la 10minutemail.com 10minutemail.net temp-mail.org tempmail.com tempmail.dev trashmail.com trashmail.de trashmail.net yopmail.com yopmail.fr getnada.com nada.email maildrop.cc dispostable.com throwawaymail.com fakeinbox.com mintemail.com mohmal.com emailondeck.com spamgourmet.com mailcatch.com mailnesia.com tempr.email discard.email wegwerfemail.de byom.de moakt.com burnermail.io tempail.com spam4.me mytemp.email inboxkitten.com tmpmail.org 33mail.com anonaddy.me simplelogin.co")

var sharedHosts = words("facebook.com linkedin.com instagram.com twitter.com x.com youtube.com github.com gitlab.com google.com goo.gl bit.ly linktr.ee notion.so notion.site medium.com wikipedia.org crunchbase.com ycombinator.com apple.com tumblr.com pinterest.com t.me telegram.me wa.me vk.com weebly.com wix.com wixsite.com wordpress.com blogspot.com squarespace.com jimdo.com jimdosite.com webnode.com site123.me strikingly.com godaddysites.com webflow.io carrd.co business.site ucoz.ru narod.ru angelfire.com geocities.com tripod.com yolasite.com typepad.com substack.com producthunt.com")

var freeHosts = words(`gmail.com googlemail.com me.com mac.com pm.me proton.me protonmail.ch hey.com tutanota.com tuta.io tutamail.com mail.com email.com usa.com post.com consultant.com europe.com asia.com inbox.com hushmail.com fastmail.fm zohomail.com zohomail.eu zoho.com lycos.com excite.com rocketmail.com ymail.com aim.com netscape.net juno.com netzero.net netzero.com
comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net mindspring.com roadrunner.com rr.com twc.com optonline.net optimum.net frontier.com frontiernet.net windstream.net centurylink.net centurytel.net embarqmail.com q.com suddenlink.net mediacombb.net ameritech.net pacbell.net swbell.net prodigy.net peoplepc.com wowway.com rcn.com cableone.net hughes.net
sympatico.ca bell.net rogers.com shaw.ca telus.net videotron.ca eastlink.ca cogeco.ca sasktel.net mts.net nb.sympatico.ca
btinternet.com btopenworld.com bt.com.uk talktalk.net talk21.com virginmedia.com virgin.net ntlworld.com blueyonder.co.uk sky.com plusnet.com plus.net tiscali.co.uk o2.co.uk orange.net freeserve.co.uk eircom.net
web.de t-online.de freenet.de arcor.de email.de online.de posteo.de mailbox.org mail.de 1und1.de vodafone.de kabelmail.de unity-mail.de
orange.fr wanadoo.fr free.fr laposte.net sfr.fr neuf.fr bbox.fr numericable.fr club-internet.fr aliceadsl.fr cegetel.net voila.fr nordnet.fr
libero.it virgilio.it alice.it tin.it tim.it tiscali.it fastwebnet.it inwind.it iol.it email.it poste.it pec.it aruba.it
telefonica.net terra.es ono.com movistar.es ya.com wanadoo.es euskalnet.net
sapo.pt netcabo.pt iol.pt clix.pt mail.pt
telenet.be skynet.be scarlet.be proximus.be belgacom.net pandora.be
ziggo.nl kpnmail.nl planet.nl hetnet.nl home.nl xs4all.nl upcmail.nl casema.nl chello.nl quicknet.nl online.nl tele2.nl kpnplanet.nl
bluewin.ch hispeed.ch sunrise.ch swissonline.ch gmx.ch a1.net aon.at chello.at utanet.at
telia.com tele2.se bredband.net comhem.se spray.se passagen.se online.no broadpark.no frisurf.no start.no tdcadsl.dk mail.dk stofanet.dk jubii.dk kolumbus.fi elisanet.fi luukku.com saunalahti.fi suomi24.fi pp.inet.fi inet.fi simnet.is
wp.pl o2.pl onet.pl onet.eu interia.pl interia.eu poczta.onet.pl op.pl vp.pl gazeta.pl tlen.pl seznam.cz email.cz centrum.cz atlas.cz volny.cz post.cz azet.sk centrum.sk zoznam.sk pobox.sk freemail.hu citromail.hu indamail.hu t-online.hu vipmail.hu abv.bg mail.bg dir.bg siol.net net.hr inet.hr email.t-com.hr mail.ee hot.ee inbox.lv inbox.lt one.lt delfi.lt zebra.lt
mail.ru bk.ru inbox.ru list.ru internet.ru yandex.ru ya.ru rambler.ru lenta.ru ro.ru autorambler.ru myrambler.ru ukr.net i.ua meta.ua bigmir.net online.ua tut.by mail.by mail.kz
otenet.gr forthnet.gr in.gr freemail.gr mynet.com ttmail.com superonline.com turk.net walla.co.il walla.com 012.net.il netvision.net.il bezeqint.net zahav.net.il maktoob.com emirates.net.ae eim.ae
qq.com foxmail.com 163.com 126.com yeah.net 188.com 139.com 189.cn sina.com sina.cn sohu.com tom.com 21cn.com aliyun.com wo.cn vip.qq.com vip.163.com vip.sina.com 263.net hinet.net seed.net.tw pchome.com.tw kimo.com netvigator.com ymail.com.hk
naver.com daum.net hanmail.net nate.com korea.com hanafos.com empal.com paran.com dreamwiz.com lycos.co.kr kakao.com chol.com freechal.com
docomo.ne.jp ezweb.ne.jp softbank.ne.jp i.softbank.jp au.com nifty.com nifty.ne.jp biglobe.ne.jp ocn.ne.jp so-net.ne.jp plala.or.jp dion.ne.jp excite.co.jp goo.jp infoseek.jp livedoor.com ybb.ne.jp odn.ne.jp asahi-net.or.jp
sify.com in.com indiatimes.com vsnl.com vsnl.net bsnl.in bsnl.co.in airtelmail.in dataone.in eth.net
bigpond.com bigpond.net.au optusnet.com.au iinet.net.au tpg.com.au internode.on.net westnet.com.au ozemail.com.au dodo.com.au aapt.net.au adam.com.au xtra.co.nz slingshot.co.nz clear.net.nz paradise.net.nz vodafone.co.nz ihug.co.nz orcon.net.nz
uol.com.br bol.com.br terra.com.br ig.com.br globo.com globomail.com oi.com.br r7.com zipmail.com.br itelefonica.com.br superig.com.br pop.com.br
prodigy.net.mx terra.com.mx infinitum.com.mx fibertel.com.ar arnet.com.ar speedy.com.ar ciudad.com.ar uolsinectis.com.ar adinet.com.uy vtr.net terra.cl une.net.co etb.net.co cantv.net racsa.co.cr ice.co.cr
mweb.co.za telkomsa.net webmail.co.za vodamail.co.za absamail.co.za lantic.net iafrica.com singnet.com.sg starhub.net.sg pacific.net.sg tm.net.my streamyx.com pldtdsl.net vnn.vn fpt.vn hn.vnn.vn telkom.net plasa.com indosat.net.id`)

// words reads a list parted by blanks.
func words(list string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		out[w] = true
	}
	return out
}

// bare is a label or a name in one word without what stands around many brands
// where the domain of the brand itself was taken: getacme, acmehq.
func bare(s string) string {
	if len(s) < 6 {
		return s
	}
	for _, p := range brandBefore {
		if rest, ok := strings.CutPrefix(s, p); ok && len(rest) >= 3 {
			return rest
		}
	}
	for _, p := range brandBehind {
		if rest, ok := strings.CutSuffix(s, p); ok && len(rest) >= 3 {
			return rest
		}
	}
	return s
}

var (
	brandBefore = strings.Fields("get use try join hello meet with goto run hey the")
	brandBehind = strings.Fields("therapeutics technologies technology software solutions systems robotics security health global group online labs corp tech team apps app bio hq inc usa pay lab ai io co")
)

// sameBare reports whether two labels or names are one but for what stands
// around brands.
func sameBare(a, b string) bool {
	return a != b && len(a) > 2 && len(b) > 2 && bare(a) == bare(b)
}
