package match

import "strings"

// descriptors say of words that stand for a kind, a field or a place what they
// are in English, folded and without plural s. One line is one meaning; its
// first word is the English one.
var descriptors = meanings(kinds + "\n" + vocabulary)

const kinds = `university universidad universidade universita universitat universite universitet universitesi universiteit uniwersytet univerzita univerzitet univerza universitas universitatea universitaria universitario universitaire universitari univerzitni uniwersytecki universitaet yliopisto egyetem sveuciliste universitate universitaten univ universitet universytet panepistimio jamiat jamia daigaku ulikool universitets
institute institut instituto istituto instytut instituut institutt institutet ustav intezet institucion inst institutul instytutu institutu instituti enstitusu enstitu institusi institusjon kenkyujo kenkyusho kutatointezet
college colegio collegio kolegium collegium colegiul kolej colleges koledj
school escuela escola scuola ecole schule skola szkola skole koulu iskola scoala okulu shkola gakko hochschule school faculdade
faculty facultad facolta faculte fakultat fakulta fakultet wydzial
academy academia accademia academie akademie akademia akademi akademija akademiya akatemia academiei akademisi
department departamento dipartimento departement abteilung dept katedra departament afdeling otdel
center centre centro zentrum centrum centar centru tsentr merkezi merkez keskus kozpont pusat senta
laboratory laboratoire laboratorio laboratorium laboratoriya lab laboratorija labo laboratoriet laboratorij laboratorul
hospital hopital hopitaux ospedale krankenhaus ziekenhuis nemocnice szpital sykehus sygehus sjukhus sjukhuset sairaala korhaz spital bolnica bolnitsa hospitalet ospedaliera hospitalier hospitaliere hospitalario hospitalar hastanesi hastane bolnice klinikum byoin
clinic clinica clinique klinik klinika klinikken kliniek kliniki klinikai clinico
medicine medicina medecine medizin medycyna geneeskunde medycyny meditsiny medicinal
medical medizinische medicale medico medica medizinisch medicinska medyczny medyczna meditsinskiy medicinsk medicin medycznego medizinischen lekarska lekarski
science ciencia scienza wissenschaft wetenschap nauk nauka veda vetenskap videnskab tiede tudomany stiinta nauki bilim naukowy scientifique scientifico cientifico cientifica scientifica wissenschaften vitenskap tieteiden tudomanyok bilimleri naukovyi wetenschappelijk scientific wissenschaftliche vied ved
research investigacion investigacao ricerca recherche forschung onderzoek vyzkum vyskum badan badania forskning kutatas kutato cercetare issledovaniy pesquisa arastirma investigacione recherches penelitian tutkimus forskningscenter vyzkumny issledovatelskiy tutkimuskeskus cercetari vyzkumu forschungszentrum
study estudio estudo studi etude studien studier studies studia studi studie
national nacional nazionale nationale nationaal narodni narodowy nasjonal nationell nationella natsionalnyy nemzeti nacionalni kansallinen national nationales nationaler narodowe nationalen ulusal milli nasional narodny nacionale nazionali natsionalna
international internacional internazionale internationale internationaal miedzynarodowy mezinarodni internationella uluslararasi medunarodni internationaler internacionale int intl internationales
european europeen europea europeo europaische europees europejski europeenne europeu europaischer europeia europaisches
federal federale bundes bundesamt federalny federalnyy
state estado stato etat staat staatliche statale estadual estatal estatual staats panstwowa panstwowy statni gosudarstvennyy gosudarstvennoe derzhavnyi land
regional regionale regionaal regionalny regionalnyy
municipal municipale municipio municipality gmina kommune kommun gemeente comune belediyesi belediye
city ciudad citta ville stadt stad miasto mesto by kaupunki varos sehir cidade gorod miasta
ministry ministerio ministero ministere ministerium ministerie ministerstwo ministerstvo ministerul bakanligi bakanlik departemen kementerian ministeri miniszterium ministarstvo ministerium bundesministerium
government gobierno governo gouvernement regierung regering
agency agencia agenzia agence agentur agentschap agencja agentura ajansi agentia agenstvo
authority autoridad autorita autorite behorde autoridade
office oficina ufficio bureau buro amt kantoor urzad ofisi oficiul escritorio biuro
administration administracion amministrazione administracao verwaltung
council consejo consiglio conseil rat raad rada conselho konseyi consell
commission comision commissione kommission commissie komisja comissao komisyonu
committee comite comitato komitee komitet
association asociacion associazione associacao verein vereniging stowarzyszenie sdruzeni forening forbund asociatia dernegi assoc verband yhdistys egyesulet udruzenje asociace asociacija
society sociedad societa societe gesellschaft sociedade genootschap towarzystwo spolecnost seura tarsasag societatea obshchestvo selskab selskapet sallskapet samfund dernek drustvo spolocnost seuran
foundation fundacion fondazione fondation stiftung fundacao stichting fundacja nadace nadacia stiftelse stiftelsen vakfi fundatia fond alapitvany zaklada fundacio saatio fonden
fund fondo fonds fundo
federation federacion federazione federacao foderation federatie federacja
union unione uniao unie unia birligi
network red rete reseau netzwerk netwerk siec rede
group grupo gruppo groupe gruppe groep grupa skupina csoport konsern ryhma
company compania compagnia compagnie companhia firma unternehmen empresa entreprise impresa azienda bedrijf
industry industria industrie przemysl prumysl sanayi teollisuus industri promyshlennost
industrial industriale industriel industriell industriales przemyslowy sanayii industrielle
technology tecnologia technologie teknologi technologia tecnologica teknoloji technologii tekhnologiy tech tecnologie teknologia tecnologico tecnologica technologique technologisch technological teknik technique techniques technologiczny tehnologija
technical tecnico tecnica technische techniczny technicka teknisk technischen technisches technischer tekniska politechnika tehnica tehnicki tekhnicheskiy
polytechnic politecnico politecnica polytechnique politeknik polytechnikum politehnica politecnic politekhnicheskiy
engineering ingenieria ingegneria ingenierie engenharia ingenieurwesen ingenieur inzynierii inzenyrstvi muhendislik
electronics electronica elettronica electronique elektronik elektroniki
electric electrica elettrica electrique elektro electrical electrico elettrico elektrik
computer informatica informatique informatik informatyki computing bilgisayar
information informacion informazione informacao informatie informacja
system sistema systeme sistem systemy
software softver logiciel
data donnee dato daten
digital digitale numerique
communication comunicacion comunicazione comunicacao kommunikation
energy energia energie enerji energii
power potencia puissance
nuclear nucleare nucleaire kern jaderny atomowy
physics fisica physique physik fizyki fyzika fysik fizik fyziky fizica fiziki natuurkunde
chemistry quimica chimica chimie chemie chemii kimya kemi khimii
chemical quimico chimico chimique chemische
biology biologia biologie biologii biyoloji biolog
biological biologico biologica biologique biologische biologico biologiczne
mathematics matematica mathematique mathematik matematyki matematika matematik mathematiques matematicas maths math
molecular moleculaire molekulare molekularna
material materiale materiau materiaux materialien
health salud salute sante saude gesundheit gezondheid zdrowie zdravi saglik sundhed halsa sanitaria sanitario sanita zdravotnictvi zdrowia terveys egeszseg sanatate helse zdorovya kesehatan
care atencion cuidado soins pflege zorg
public publico pubblico publique offentliche publica publiczny publiczne
social sociale soziale sociaal spoleczny sociais
economics economia economie wirtschaft ekonomi ekonomia ekonomie ekonomiczny economico economica economique ekonomika economiche economicas wirtschaftswissenschaften ekonomiki economic
business negocio affaires geschaft
commerce comercio commercio handel handels ticaret
finance finanza finanzas financas finanzen
management gestion gestione gestao zarzadzania
administrative administratif
law derecho diritto droit recht direito prawa pravo hukuk jura legal
education educacion educazione educacao bildung onderwijs edukacji oktatasi egitim utdanning uddannelse ensino enseignement pendidikan obrazovaniya koulutus
training formacion formazione formation ausbildung formacao
teacher maestro docente lehrer pedagogique pedagogica padagogische pedagogiczny
culture cultura kultur kultura kulttuuri kultury
art arte kunst sztuk umeni sanat konst taide
history historia storia histoire geschichte geschiedenis dejiny tarih historii
language lengua lingua langue sprache lenguas idioma
humanities humanidades humaniora
philosophy filosofia philosophie filozofia
psychology psicologia psychologie
music musica musique musik muzyczna
museum museo musee muzeum museet museu muzej mwzeum
library biblioteca bibliotheque bibliothek biblioteka knihovna bibliotheek kutuphane
archive archivo archivio archiv archief
theatre teatro theater
environment ambiente medio umwelt milieu milieux srodowiska cevre environnement miljo okolje environnemental environmental ambiental ambientale
climate clima climat klima
water agua acqua eau wasser voda wody water vann vatten
sea mar mare mer meer zee morze
marine marino marina maritime maritimo marin
ocean oceano oceanographic
earth tierra terra terre erde
geological geologico geologique geologische geologiczny geologia
agriculture agricultura agriculture landwirtschaft landbouw rolnictwa tarim agricola agrario agricole agraria agronomique agronomia agricultural agricolo agrar rolniczy
forest bosque foresta foret wald skog forestale forestal forstwirtschaft lesnictvi forestry florestal forestier
food alimento alimentare alimentaire lebensmittel nahrungsmittel alimentacion
animal animale tier
plant planta piante plante pflanzen
veterinary veterinaria veterinario veterinaire tierarztliche weterynaryjny
pharmacy farmacia pharmacie farmacja eczacilik
pharmaceutical farmaceutico farmaceutica pharmaceutique pharmazeutische farmaceutyczny ilac pharma
dental odontologia odontoiatrica dentaire zahnmedizin dentistry
cancer cancro krebs kanker rak rakovina onkologie oncologia oncologie oncology onkologii
heart corazon cuore coeur herz cardiaco cardiologia
brain cerebro cervello cerveau hirn gehirn
child nino bambino enfant kinder infantil children pediatrie pediatria dzieci
woman mujer donna femme frauen women
youth juventud jeunesse jugend
family familia famiglia famille familie
service servicio servizio dienst servico
security seguridad sicurezza securite sicherheit seguranca
defense defensa difesa defence verteidigung defesa
space espacio spazio espace raumfahrt
air aire aria
transport transporte trasporto transportes verkehr
railway ferrocarril ferrovia bahn kolej
road carretera strada route strasse
construction construccion costruzione bau budownictwa construcao
architecture arquitectura architettura architektur arquitetura
design diseno disegno
development desarrollo sviluppo developpement entwicklung desenvolvimento rozwoju rozvoj
innovation innovacion innovazione inovacao
planning planificacion planung planejamento
statistics estadistica statistica statistique statistik
applied aplicada applicata appliquee angewandte aplicado applicato angewandten stosowanej
advanced avanzado avanzati avance avancee avancado
general generale generaux allgemeine geral
central centrale zentral zentrale
higher superior superiore superieur superieure hoger
new nuevo nuovo nouveau neue nova novo nueva nouvelle novy nowa
royal real reale kongelige koninklijke kungliga kongelig koninklijk kraljevski
saint san santa sao sankt sint santo st sainte szent swiety
bank banco banca banque banka bankasi banku pankki
insurance seguro assicurazione assurance versicherung seguros verzekering
market mercado mercato marche markt
product producto prodotto produit produkt
global mondial mondiale welt mundial
north norte nord nordre nordic
south sur sud sul
west oeste ovest ouest
east este est ost leste
germany deutschland alemania allemagne germania deutsche deutscher deutsches german deutschen aleman allemand tedesco niemcy duitsland
france frankreich francia francais francaise french frances francese franca francaise francuski
spain espana spanien espagne spagna spanish espanol espanola espagnol
italy italia italien italie italian italiano italiana italienne
portugal portugues portuguesa portuguese
brazil brasil brasile brasilien bresil brasileira brasileiro brazilian
japan japon giappone nippon nihon japanese japonais japanische
china chine chinese chinois cina
korea coree corea korean
russia russie rusia russland rossiyskaya rossii russian rossiyskiy
ukraine ukraina ucraina ukrainian ukrainskiy ukrainy ukrainska
poland polska polen pologne polonia polish polski polskie polskiej
czech ceska ceske cesky tschechische tcheque czechia
slovakia slovenska slovak slovenske slovensko
slovenia slovenija slovenije slovenian
croatia hrvatska hrvatski croatian hrvatske
serbia srbija serbian srbije
hungary magyar hungarian hongrie ungarn magyarorszag
romania roumanie romanian romana rumania romane
greece grece grecia greek ellinikos elliniki hellenic
turkey turkiye turquie turkish turk turkei
finland suomi finlande finnish suomen finlandia
sweden sverige suede schweden swedish svenska svensk
norway norge norvege norwegen norwegian norsk norske
denmark danmark danemark danish dansk danske
netherlands nederland dutch nederlandse nederlands niederlande hollande
belgium belgique belgie belgian belge belgica
switzerland schweiz suisse svizzera swiss schweizerische helvetica
austria osterreich autriche austrian osterreichische
ireland irlande irish irlanda eireann
england angleterre english inglaterra
europe europa
africa afrique african afrika africaine africano
america amerique american amerika
asia asie asian
egypt misr egyptian
indonesia indonesian
vietnam viet vietnamese
mexico mexicano mexicana mexican mexique
argentina argentino argentine
canada canadian canadien canadienne
australia australian australie
india indian inde
paris parigi
london londres londra
rome roma romae
milan milano mailand
turin torino
florence firenze florenz
naples napoli
venice venezia
geneva geneve genf ginevra
vienna wien vienne viena
munich munchen muenchen
cologne koln koeln
zurich zuerich
brussels bruxelles brussel
antwerp antwerpen anvers
copenhagen kobenhavn
prague praha
warsaw warszawa warszawski warszawie
krakow cracow krakowie
moscow moskva moskovskiy moscou
lisbon lisboa lisbonne
seville sevilla
athens athina
bucharest bucuresti
budapest budapesti
belgrade beograd beogradu
kiev kyiv kyivskyi kiiv
petersburg peterburg sanktpeterburg
gothenburg goteborg
helsinki helsingin helsingfors
havana habana
beijing peking
physician medecin arzt
nursing enfermeria enfermagem infirmier
surgery cirugia chirurgie chirurgia
treatment tratamiento traitement
prevention prevencion prevenzione
control controle controllo kontrolle
protection proteccion protezione schutz protecao
conservation conservacion conservazione conservacao
genetics genetica genetique genetik
neuroscience neurociencia neuroscienze neurowissenschaft
ecology ecologia ecologie okologie
geography geografia geographie
astronomy astronomia astronomie
observatory observatorio osservatorio observatoire observatorium observator
experimental experimentale
theoretical teorica theorique theoretische
modeling modelisation modelizacion modelling
analysis analisi analyse analisis
labour trabajo lavoro travail arbeit trabalho work
work obra oeuvre
people pueblo peuple popolo
world monde mundo mondo
house casa maison haus
garden jardin giardino garten jardim
park parque parco parc
unit unidad unita unite einheit unidade
division divisione
section seccion sezione
branch rama filial filiale
program programme programa programma
project projet proyecto progetto projekt projeto
initiative iniciativa iniziativa
alliance alianza alleanza
consortium consorcio consorzio konsortium
cooperative cooperativa cooperativo genossenschaft
confederation confederacion confederazione
chamber camara camera chambre kammer
trade comercio handelskammer
steel acero acciaio acier stahl
oil petroleo petrolio petrole
paper papel carta papier
car auto automobile automovil
book libro livre buch
saving ahorro risparmio epargne sparkasse
dr doctor doktor
prof professor profesor
free libre livre libera freie
human humano humain umano menschliche humaine
quality calidad qualita qualite qualitat qualidade
emergency urgence urgencia emergencia notfall
cooperation cooperacion cooperazione kooperation zusammenarbeit cooperacao
catholic catolica catholique cattolica katholische katolicki katholieke catolico
biotechnology biotecnologia biotechnologie biotehnologie
nanotechnology nanotecnologia nanotechnologie
nanoscience nanociencia nanoscienze nanowissenschaften
computational computacional
sustainability sostenibilidad sustentabilidade durabilite nachhaltigkeit
sustainable sostenible sustentavel durable nachhaltige sostenibile
meteorology meteorologia meteorologie meteorological meteorologico
toxicology toxicologia toxikologie toxicologie
pharmacology farmacologia pharmakologie pharmacologie
epidemiology epidemiologia epidemiologie
biochemistry bioquimica biochimie biochimica biochemie biochemii
zoology zoologia zoologie
botany botanica botanique botanik
sociology sociologia sociologie soziologie
political politica politique politicas politische
tropical tropicale tropicaux tropenmedizin
ecosystem ecosistema ecosysteme okosystem
integrated integrado integrato integre integree integrierte
interdisciplinary interdisciplinario interdisciplinar interdisciplinaire interdisciplinare
translational translationnelle traslacional translacional
clinical clinique clinicas klinische
infectious infecciosas infectieuses infettive
disease enfermedad malattia maladie krankheit doenca
aging vieillissement envejecimiento envelhecimento
radiology radiologia radiologie
imaging imagerie imagen
mechanics mecanique mecanica meccanica mechanik
aeronautics aeronautica aeronautique
mining minera mines bergbau minero
petroleum petroliere petrolero
ltd limited
corp corporation
intl international
mfg manufacturing
bros brothers
mt mount
ft fort
dist district
assn association
soc society
found foundation
acad academy
natl national nat
tech technology
sys system
eng engineering
chem chemistry
pharm pharmaceutical
elec electric
svc service
svcs service
mgmt management
dev development
edu education
gov government
comm commission
hosp hospital
prov provincial province
provincial`

// meant are the words that descriptors are put in.
var meant = func() map[string]bool {
	out := map[string]bool{}
	for _, to := range descriptors {
		out[to] = true
	}
	return out
}()

// descriptorStems are the same by their stems, for forms that the table lacks.
// A stem of two meanings has none.
var descriptorStems = func() map[string]string {
	out := map[string]string{}
	for w, to := range descriptors {
		s := stem(w)
		if len(s) < minStem {
			continue
		}
		if had, ok := out[s]; ok && had != to {
			to = ""
		}
		out[s] = to
	}
	for s, to := range out {
		if to == "" {
			delete(out, s)
		}
	}
	return out
}()

func meanings(list string) map[string]string {
	out := map[string]string{}
	for line := range strings.SplitSeq(list, "\n") {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		to := f[0]
		if already, ok := out[to]; ok {
			to = already
		}
		for _, w := range f {
			if _, ok := out[w]; !ok {
				out[w] = to
			}
			if s := singular(w); s != w {
				if _, ok := out[s]; !ok {
					out[s] = to
				}
			}
		}
	}
	return out
}

// stopWords join the words that tell; folded.
var stopWords = words(`and of the for in on at to by with from a an
de la le les el los las del des du da do dos das di della delle dei degli dell al alla alle d l e y et en pour para per por sur au aux em na no nas nos i u o
und fur der die das des dem den von vom zu zur zum im am mit
van voor het een te op
og for i av den det til och for av
w we na z ze dla im
a o pro v ve na
dan untuk ve icin és`)

// phrases are the same of texts whose words are not parted by blanks: Han
// (simplified, traditional and Japanese), Hangul, Thai. Places stand in them
// too, in the spelling that companies use for themselves in English.
var phrases = phraseTable(`大学 university
大學 university
學院 college
学院 college
學校 school
学校 school
高校 school
専門学校 college
職業技術學院 vocational technical college
职业技术学院 vocational technical college
职业学院 vocational college
专科学校 college
研究院 institute
研究所 institute
硏究所 institute
研究室 laboratory
研究中心 research center
研究センター research center
研究會 society
研究会 society
研究 research
實驗室 laboratory
实验室 laboratory
重点实验室 key laboratory
国家重点实验室 state key laboratory
センター center
中心 center
中央 central
病院 hospital
医院 hospital
醫院 hospital
人民医院 people hospital
中医院 chinese medicine hospital
中医药大学 university chinese medicine
中医药 chinese medicine
中醫 chinese medicine
中医 chinese medicine
中西医结合 integrated chinese western medicine
附属 affiliated
附屬 affiliated
第一 first
第二 second
第三 third
第四 fourth
第五 fifth
第六 sixth
医科 medical
醫科 medical
医学 medical
醫學 medical
医療 medical
医疗 medical
医薬 pharmaceutical
药科 pharmaceutical
制药 pharmaceutical
製薬 pharmaceutical
藥 pharmaceutical
科学院 academy science
科學院 academy science
科学 science
科學 science
科技 science technology
技術 technology
技术 technology
工程 engineering
工业 technology industry
工業 technology industry
工科 technology
理工 technology
農業 agriculture
农业 agriculture
农林 agriculture forest
林業 forest
林业 forest
水産 fisheries
海洋 ocean
師範 normal
师范 normal
教育 education
教育廳 department education
教育厅 department education
教育庁 department education
體育 sport
体育 sport
藝術 art
艺术 art
芸術 art
美術 art
音楽 music
音乐 music
經濟 economics
经济 economics
経済 economics
財經 finance economics
财经 finance economics
貿易 trade
贸易 trade
金融 finance
銀行 bank
银行 bank
保険 insurance
保险 insurance
證券 securities
証券 securities
法律 law
政法 political science law
外国語 foreign study
外國語 foreign language
外国语 foreign study
语言 language
民族 nationality
文化 culture
歴史 history
歷史 history
博物館 museum
博物馆 museum
図書館 library
圖書館 library
图书馆 library
国立 national
國立 national
公立 public
県立 prefectural
市立 municipal city
私立 
国家 national
國家 national
国際 international
國際 international
国际 international
全国 national
日本 japan
中国 china
中國 china
中華 china
中华 china
韓国 korea
台湾 taiwan
臺灣 taiwan
台灣 taiwan
香港 hong kong
澳門 macau
北京 beijing
上海 shanghai
天津 tianjin
重庆 chongqing
河北 hebei
山西 shanxi
辽宁 liaoning
吉林 jilin
黑龙江 heilongjiang
江苏 jiangsu
浙江 zhejiang
安徽 anhui
福建 fujian
江西 jiangxi
山东 shandong
河南 henan
湖北 hubei
湖南 hunan
广东 guangdong
廣東 guangdong
广西 guangxi
海南 hainan
四川 sichuan
贵州 guizhou
云南 yunnan
陕西 shaanxi
甘肃 gansu
青海 qinghai
内蒙古 inner mongolia
宁夏 ningxia
新疆 xinjiang
西藏 tibet
南京 nanjing
武汉 wuhan
西安 xian
成都 chengdu
广州 guangzhou
深圳 shenzhen
杭州 hangzhou
苏州 suzhou
大连 dalian
沈阳 shenyang
哈尔滨 harbin
长春 changchun
长沙 changsha
郑州 zhengzhou
济南 jinan
青岛 qingdao
太原 taiyuan
合肥 hefei
南昌 nanchang
福州 fuzhou
厦门 xiamen
昆明 kunming
贵阳 guiyang
南宁 nanning
兰州 lanzhou
石家庄 shijiazhuang
无锡 wuxi
宁波 ningbo
温州 wenzhou
桂林 guilin
徐州 xuzhou
常州 changzhou
扬州 yangzhou
南通 nantong
烟台 yantai
洛阳 luoyang
东北 northeast
华东 east china
华南 south china
华中 central china
华北 north china
西北 northwest
西南 southwest
東北 tohoku
東京 tokyo
京都 kyoto
大阪 osaka
名古屋 nagoya
横浜 yokohama
神戸 kobe
福岡 fukuoka
札幌 sapporo
仙台 sendai
広島 hiroshima
北海道 hokkaido
青森 aomori
岩手 iwate
宮城 miyagi
秋田 akita
山形 yamagata
福島 fukushima
茨城 ibaraki
栃木 tochigi
群馬 gunma
埼玉 saitama
千葉 chiba
神奈川 kanagawa
新潟 niigata
富山 toyama
石川 ishikawa
福井 fukui
山梨 yamanashi
長野 nagano
岐阜 gifu
静岡 shizuoka
愛知 aichi
三重 mie
滋賀 shiga
兵庫 hyogo
奈良 nara
和歌山 wakayama
鳥取 tottori
島根 shimane
岡山 okayama
山口 yamaguchi
徳島 tokushima
香川 kagawa
愛媛 ehime
高知 kochi
佐賀 saga
長崎 nagasaki
熊本 kumamoto
大分 oita
宮崎 miyazaki
鹿児島 kagoshima
沖縄 okinawa
九州 kyushu
関西 kansai
関東 kanto
台北 taipei
臺北 taipei
高雄 kaohsiung
台中 taichung
臺中 taichung
台南 tainan
新竹 hsinchu
交通 jiaotong
女子 women
看護 nursing
福祉 welfare
総合 general
綜合 general
県 prefecture
省 province
市 city
町 town
協会 association
協會 association
协会 association
学会 society
學會 society
学會 society
財団 foundation
基金会 foundation
基金會 foundation
機構 organization
机构 organization
委員会 commission
委員會 commission
委员会 commission
農林 agriculture forest
環境 environment
环境 environment
能源 energy
電力 electric power
电力 electric power
電気 electric
電機 electric
电气 electric
電子 electronics
电子 electronics
化学 chemistry
化學 chemistry
物理 physics
数学 mathematics
數學 mathematics
生物 biology
材料 material
地質 geology
地质 geology
地球 earth
気象 meteorological
气象 meteorological
航空 aeronautics
航天 aerospace
宇宙 space
原子力 nuclear
鉄道 railway
鐵道 railway
交通大学 jiaotong university
運輸 transport
建設 construction
建设 construction
建筑 architecture
建築 architecture
自動車 motor
汽车 automobile
製作所 manufacturing
製造 manufacturing
産業 industry
产业 industry
产品 product
情報 information
信息 information
資訊 information
通信 communication
計算 computing
网络 network
網路 network
軟體 software
软件 software
智能 intelligence
商業 commerce
商业 commerce
商科 business
管理 management
行政 administration
財政 finance
社会 social
社會 social
政府 government
厅 department
局 bureau
部 department
省庁 ministry
集团 group
集團 group
グループ group
ホールディングス holdings
控股 holdings
産業技術 industrial technology
開発 development
開發 development
开发 development
投資 investment
投资 investment
実業 industrial
实业 industrial
物産 
商事 trading
儿童 child
兒童 child
小児 child
癌 cancer
がん cancer
腫瘤 cancer
肿瘤 cancer
眼科 eye
歯科 dental
口腔 stomatology dental
精神 mental
衛生 health
卫生 health
健康 health
公衆 public
公共 public
株式会社 
有限会社 
有限公司 
股份有限公司 
有限責任公司 
公司 company
一般社団法人 
一般財団法人 
公益財団法人 
公益社団法人 
独立行政法人 
国立研究開発法人 national
国立大学法人 national
学校法人 
医療法人 
社会福祉法人 
特定非営利活動法人 
대학교 university
대학 college
대학원 graduate school
전문대학 college
병원 hospital
의료원 medical center
의과 medical
의학 medicine
한의학 oriental medicine
연구원 institute
연구소 institute
연구센터 research center
연구 research
과학 science
기술 technology
과학기술 science technology
공학 engineering
산업 industry
농업 agriculture
해양 ocean
수산 fisheries
교육 education
국립 national
국가 national
국제 international
한국 korea
대한 korea
서울 seoul
부산 busan
대구 daegu
인천 incheon
광주 gwangju
대전 daejeon
울산 ulsan
경기 gyeonggi
강원 gangwon
충북 chungbuk
충남 chungnam
전북 jeonbuk
전남 jeonnam
경북 gyeongbuk
경남 gyeongnam
제주 jeju
학회 society
협회 association
재단 foundation
진흥원 promotion agency
공사 corporation
은행 bank
보험 insurance
센터 center
학교 school
여자 women
가톨릭 catholic
성모 st mary
동물 animal
식품 food
안전 safety
환경 environment
보건 health
건강 health
정보 information
통신 communication
전자 electronics
전력 electric power
에너지 energy
원자력 nuclear
항공 aerospace
우주 space
철도 railway
도로 road
건설 construction
화학 chemical
물리 physics
생명 life
생물 biology
경제 economic
금융 finance
법률 law
행정 administration
사회 social
문화 culture
예술 art
체육 sport
미술 art
박물관 museum
도서관 library
위원회 commission
정부 government
부 ministry
청 administration
그룹 group
주식회사 
มหาวิทยาลัย university
วิทยาลัย college
โรงพยาบาล hospital
สถาบัน institute
ศูนย์ center
วิจัย research
กรม department
กระทรวง ministry
มูลนิธิ foundation
สมาคม association
สำนักงาน office
โรงเรียน school
เทคโนโลยี technology
ราชภัฏ rajabhat
แห่งชาติ national
บริษัท company
ธนาคาร bank
แพทย์ medical
วิทยาศาสตร์ science
การศึกษา education
เกษตร agriculture
อุทยาน park
` + placesAndTrades)

func phraseTable(list string) map[string]string {
	out := map[string]string{}
	for line := range strings.SplitSeq(list, "\n") {
		from, to, _ := strings.Cut(line, " ")
		out[from] = to
	}
	return out
}

// nativeWords are descriptors in alphabets that part words by blanks and leave
// out vowels or write them as marks: Arabic, Persian, Hindi, Bengali, Hebrew.
var nativeWords = func() map[string]string {
	out := map[string]string{}
	for line := range strings.SplitSeq(natives, "\n") {
		to, list, _ := strings.Cut(line, " ")
		for w := range strings.FieldsSeq(list) {
			out[w] = to
		}
	}
	return out
}()

const natives = `university جامعة جامعه الجامعة دانشگاه विश्वविद्यालय বিশ্ববিদ্যালয় אוניברסיטת אוניברסיטה האוניברסיטה
college كلية الكلية महाविद्यालय कॉलेज কলেজ মহাবিদ্যালয় מכללת מכללה המכללה
institute معهد پژوهشگاه پژوهشکده موسسه انستیتو संस्थान इंस्टीट्यूट ইনস্টিটিউট প্রতিষ্ঠান מכון המכון
center مركز مرکز केंद्र केन्द्र কেন্দ্র מרכז המרכז
hospital مستشفى مستشفي بیمارستان अस्पताल चिकित्सालय হাসপাতাল
ministry وزارة وزارت मंत्रालय মন্ত্রণালয় משרד
authority هيئة سلطة प्राधिकरण רשות
foundation مؤسسة بنیاد न्यास קרן
association جمعية رابطة انجمن संघ সমিতি עמותת אגודת
society مجمع समाज
company شركة شرکت कंपनी কোম্পানি חברת חברה
group مجموعة گروه समूह קבוצת
bank بنك مصرف بانک बैंक ব্যাংক בנק
school مدرسة مدرسه विद्यालय স্কুল בית־ספר
academy أكاديمية اكاديمية فرهنگستان अकादमी একাডেমি האקדמיה
faculty دانشکده संकाय অনুষদ הפקולטה
department قسم دائرة إدارة اداره विभाग বিভাগ אגף מחלקת
library مكتبة کتابخانه पुस्तकालय গ্রন্থাগার ספריית הספרייה
museum متحف موزه संग्रहालय জাদুঘর מוזיאון
council مجلس شورای परिषद পরিষদ מועצת המועצה
committee لجنة کمیته समिति কমিটি ועדת
commission مفوضية کمیسیون आयोग কমিশন נציבות
agency وكالة آژانس एजेंसी সংস্থা סוכנות
organization منظمة سازمان संगठन ארגון
union اتحاد اتحادیه यूनियन איחוד
laboratory مختبر آزمایشگاه प्रयोगशाला מעבדת
government حكومة دولت सरकार সরকার ממשלת
research بحوث أبحاث ابحاث بحث تحقیقات پژوهش अनुसंधान शोध গবেষণা מחקר למחקר
science علوم علم علمي علمية علمی विज्ञान বিজ্ঞান מדע מדעי למדע המדעים
technology تكنولوجيا تقنية تقنيات تکنولوژی فناوری صنعتی प्रौद्योगिकी প্রযুক্তি טכנולוגיה לטכנולוגיה הטכנולוגי
technical تقني تقنیة فني فنية فنی तकनीकी কারিগরি טכני
engineering هندسة هندسية مهندسی अभियांत्रिकी इंजीनियरिंग প্রকৌশল הנדסה
medical طبي طبية پزشکی चिकित्सा आयुर्विज्ञान মেডিকেল רפואי הרפואי
medicine طب רפואה
health صحة صحي صحية بهداشت سلامت स्वास्थ्य স্বাস্থ্য בריאות הבריאות
education تعليم تربية آموزش शिक्षा শিক্ষা חינוך החינוך
higher عالي عالية عالی उच्च উচ্চ גבוהה
agriculture زراعة زراعي زراعية کشاورزی कृषि কৃষি חקלאות החקלאות
industry صناعة صنعت उद्योग শিল্প תעשייה
industrial صناعي صناعية औद्योगिक
national وطني وطنية قومي ملی राष्ट्रीय জাতীয় לאומי לאומית הלאומי
international دولي دولية अंतर्राष्ट्रीय अंतरराष्ट्रीय আন্তর্জাতিক בינלאומי
general عام عامة कुल सामान्य כללי
central مركزي مركزية مرکزی केंद्रीय केन्द्रीय কেন্দ্রীয় מרכזי
applied تطبيقي تطبيقية کاربردی अनुप्रयुक्त
islamic إسلامي إسلامية اسلامي اسلامية اسلامی इस्लामी ইসলামী
marine بحري بحرية دریایی समुद्री
biology أحياء احياء जीव
law قانون حقوق विधि আইন משפט
economics اقتصاد اقتصادي اقتصادية اقتصادی अर्थशास्त्र অর্থনীতি כלכלה
finance مالية مالي مالیه वित्त অর্থ האוצר
commerce تجارة تجاري تجارية بازرگانی वाणिज्य বাণিজ্য
energy طاقة انرژی ऊर्जा শক্তি אנרגיה
water مياه آب जल পানি מים
environment بيئة पर्यावरण পরিবেশ סביבה הסביבה
language لغة لغات زبان भाषा ভাষা שפה
state دولة ایالت राज्य রাজ্য
public عمومی सार्वजनिक ציבורי
arab عربي عربية عرب
india भारतीय भारत ভারতীয় ভারত
bangladesh বাংলাদেশ
iran ایران
israel ישראל
iraq عراق
saudi سعودية سعودي
egypt مصر مصرية
tehran تهران
disease أمراض بیماری रोग
cancer سرطان कैंसर ক্যান্সার סרטן
food أغذية غذاء غذایی खाद्य খাদ্য מזון
nuclear نووي ذرية परमाणु גרעיני גרעין`
