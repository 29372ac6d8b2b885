package normalize

import "strings"

// maxLegal is the most words one legal form has.
const maxLegal = 5

// legalForms are the legal forms of companies, folded: those that stand behind
// the name, and those that stand before it.
type legalForms struct{ after, before map[string]bool }

// legal is compiled from the lists below; nothing changes it.
var legal = legalForms{after: set(legalAfter), before: set(legalBefore)}

// noCompany is what people type who have no company, as names are compared: folded,
// and without what looks like a legal form (of "my company", my).
var noCompany = bareSet(notCompanies)

func bareSet(list string) map[string]bool {
	out := map[string]bool{}
	for item := range strings.SplitSeq(list, ",") {
		out[bareName(item)] = true
	}
	return out
}

func set(list string) map[string]bool {
	out := map[string]bool{}
	for item := range strings.SplitSeq(list, ",") {
		out[strings.Join(strings.Fields(item), " ")] = true
	}
	return out
}

// By country: United States, United Kingdom and Ireland, Germany, Austria and
// Switzerland, France and Belgium, Netherlands, Spain and Latin America,
// Portugal and Brazil, Italy, the Nordic countries, Baltic states, Poland,
// Czechia and Slovakia, Hungary, Romania, Bulgaria, the former Yugoslavia,
// Greece, Turkey, Russia and Ukraine, Israel and the Gulf, India, Japan,
// China, Korea, South-East Asia, Australia and New Zealand, Africa, Europe.
const legalAfter = `inc, incorporated, corp, corporation, co, company, llc, l l c, ll c, lc, llp, lllp, lp, l p, pc, pllc, pbc, ltd liability co, limited liability company, na,
ltd, limited, plc, p l c, public limited company, cic, clg, dac, uc, unlimited company, co ltd, company limited, private limited, pvt limited,
gmbh, g m b h, mbh, gmbh co kg, gmbh and co kg, gmbh u co kg, gmbh und co kg, gmbh co kgaa, gmbh and co kgaa, gesellschaft mbh, gesellschaft mit beschrankter haftung, ges m b h, ges mbh, gesmbh, ggmbh, ag, a g, ag and co kg, ag and co kgaa, aktiengesellschaft, kg, kgaa, ohg, gbr, eg, e g, ev, e v, e k, ek, e kfm, ug, ug haftungsbeschrankt, partg, partg mbb, stiftung and co kg, sarl gmbh,
sa, s a, sas, s a s, sasu, sarl, s a r l, eurl, snc, scop, societe anonyme, societe par actions simplifiee, spfpl, sprl, srl, bvba, scrl, asbl, vzw,
bv, b v, nv, n v, vof, cv, c v, cooperatie ua, besloten vennootschap,
sl, s l, slu, s l u, sau, s a u, slp, sociedad anonima, sociedad limitada, sa de cv, s a de c v, sa de c v, sapi de cv, sab de cv, s de rl de cv, s de rl, srl de cv, ltda, limitada, spa, eirl, sac, saa, sas de cv,
lda, unipessoal lda, sgps, sociedade anonima, eireli, ltda me, ltda epp, sa sgps,
s p a, s r l, srls, s r l s, snc di, sapa, societa per azioni, societa a responsabilita limitata, scarl, scpa,
ab, aktiebolag, a b, hb, kb, as, a s, asa, aps, i s, k s, p s, amba, ans, oy, oyj, oy ab, osakeyhtio, ky, tmi, hf, ehf, ohf,
uab, ou, sia, osauhing, akciju sabiedriba,
sp zoo, sp z oo, sp z o o, spzoo, spolka z oo, spolka z ograniczona odpowiedzialnoscia, sp j, spj, sp k, spk, spolka akcyjna, sp zoo sp k, sp zoo spk,
sro, s r o, spol sro, spol s r o, spol s ro, vos, ks, z s,
kft, zrt, nyrt, bt, korlatolt felelossegu tarsasag,
pfa,
eood, ood, ead, ad, еоод, оод, ад, еад,
doo, d o o, dd, d d, jdoo, j d o o, dooel, sh pk, shpk,
ae, a e, epe, ike, monoprosopi ike, α ε, αε, επε, ε π ε, ικε,
as ve tic, anonim sirketi, limited sirketi, ltd sti, ltd sirketi, san ve tic as, san ve tic ltd sti, sanayi ve ticaret as, sanayi ve ticaret anonim sirketi, sti,
ооо, оао, зао, пао, ао, тов, тоо, ooo, oao, zao, pao, pjsc, jsc, ojsc, cjsc, joint stock company, public joint stock company, llp kz,
fzc, fze, fz llc, fz co, fzco, dmcc, wll, w l l, psc, p s c, qsc, qpsc, saog, saoc, kscp, kscc, bsc, b s c, ksa, بע מ, בע מ, בעמ, bm,
pvt ltd, pvt, private ltd, p ltd, pte ltd, pte, opc pvt ltd,
kk, k k, gk, g k, yk, kabushiki kaisha, godo kaisha, yugen kaisha, co ltd japan, 株, 有,
co ltd china, limited company,
주, 유, yuhan hoesa, chusik hoesa,
sdn bhd, bhd, tbk, persero, persero tbk, jsc vietnam, tnhh, pcl, public company limited, company ltd, corp phils,
pty ltd, pty limited, pty, proprietary limited, proprietary ltd, p l,
cc, rf pty ltd, npc, soc ltd,
se, s e, scs, sce, eeig, geie, aisbl, sicav, s c a, sca, sarl s, sa nv, nv sa`

const legalBefore = `ооо, оао, зао, пао, ао, ип, тоо, тов, пат, прат, pt, jsc, pjsc, ojsc, cjsc, ooo, oao, zao, fa, firma, شركة, 株, 有, 주, 유`

//nolint:misspell // French
const notCompanies = `, na, n a, none, nil, null, no, nope, nothing, not applicable, not available, not provided, not specified, not known, unknown, undefined, unspecified, blank, empty, other, others, misc, various, tbd, tba, tbc, x, xx, xxx, xxxx, a, aa, aaa, asdf, asdfasdf, qwerty, test, testing, tester, test company, test account, demo, example, sample, foo, bar, foobar, lorem ipsum, 1234, 12345, 123456, 123, 000, 00, 111, 999,
self, myself, me, self employed, selfemployed, self employee, i am self employed, sole trader, sole proprietor, sole proprietorship, owner, freelance, freelancer, freelancing, free lance, free lancer, independent, independent consultant, independent contractor, consultant, contractor, individual, private, private person, private individual, personal, personal use, person, home, house, family, my company, mycompany, company, the company, company name, your company, your company name, my business, business, no company, no company name, nocompany, no business, no organization, organization, organisation, enterprise, startup, stealth, stealth startup, stealth mode, stealth mode startup, confidential,
student, students, a student, university student, college student, phd student, university, college, unemployed, between jobs, looking for work, job seeker, jobseeker, retired, retiree, pensioner, housewife, homemaker, hobby, hobbyist, gmail, gmailcom, yahoo, hotmail, google gmail,
privat, privatperson, selbststandig, selbstandig, freiberufler, freiberuflich, keine, keine firma, kein, ohne, schuler, studentin, rentner,
particulier, independant, etudiant, etudiante, aucun, aucune, sans, auto entrepreneur, autoentrepreneur, retraite, travailleur independant,
ninguno, ninguna, ninguna empresa, autonomo, estudiante, independiente, particular, trabajador independiente, jubilado, sin empresa, no aplica, ninguem, nenhum, nenhuma, estudante, autonoma,
nessuno, nessuna, privato, libero professionista, studente, geen, zzp, zzper, particulier geen, zelfstandig, ingen, ingen firma, enskild, brak, nie dotyczy, osoba prywatna, нет, студент, частное лицо, физлицо, самозанятый, 个人, 无, 學生, 学生, なし, 個人, 개인, 없음`

// glued are legal forms written without a blank to the name. Those in brackets
// are words of their own by then.
var glued = []string{
	"株式会社", "有限会社", "合同会社", "合資会社", "合名会社", "一般社団法人",
	"股份有限公司", "有限责任公司", "有限責任公司", "有限公司", "股份公司", "集团有限公司",
	"주식회사", "유한회사",
}
