package match

// vocabulary says of more words what they are in English, in the way of the
// table of kinds: what institutions and companies do, where, and for whom, in
// the larger languages of Europe, Turkish, Indonesian, and Russian, Ukrainian
// and Persian in Latin letters.
const vocabulary = `university universitaria universitarios universitaires hogeschool ammattikorkeakoulu hochschule fachhochschule hogskola hoyskole hojskole fh daneshgah universiti unibersidad ollscoil prifysgol universite uniwersytetu univerzity univerziteta universiteti universiteta universytetu universitario
institute instituta institutu institutos istituti instituten instituttet intituto instituts instituutti eolaiochta pazhuheshkade
school escolas escuelas scuole ecoles schulen szkoly skoly gymnasium lycee liceo liceu lyceum
college colleges collegi colegios
faculty facultes fakultesi fakulteta fakultetas
department departamentos departamentu oddeleni odbor odjel avdeling avdelning bolum bolumu otdelenie direction direccion direzione direcao directorate direktion direktorat directoraat dirección direccao
center centros centres centri centru centra zentren sentre centrumet tsentralnyy sentral osrodek merkezinin kozpontja centro markaz sentrum
laboratory laboratorios laboratoires laboratori laboratoriia laboratori laboratoriya laboratoriju
hospital hospitais hospitales hospitaux ospedali spitali spitalul klinikum kliniken krankenhauser hopitals hospitalul hastahanesi sairaalat sygehuset ziekenhuizen bolnicki szpitala nemocnici rumah bimarestan likarnya
clinic clinicas cliniques cliniche poliklinik policlinico policlinica polyclinique poliklinika klinisk
medical medizinischer medizinisches medicos medicas medicaux medicales medici tibbi medisch medische medisinsk medicinski medicinska laakari lekarsky lekarskiej lekarskie medycznych medychnyy kedokteran
medicine tibb medicinae medicum laaketiede laaketieteen orvostudomanyi orvosi
science ciencias sciences scienze wissenschaften wetenschappen nauk vied tudomanyok videnskaber vitenskaper nauky stiintelor stiinte ilmu sains
research recerca forskningsinstitut forschungsinstitut forschungsgesellschaft onderzoeksinstituut tutkimuslaitos kutatointezete penyelidikan penelitian arastirmalari badawczy badawcze istrazivanje istrazivacki vyzkumna doslidzhen doslidnyi ymchwil taighde investigaciones pesquisas ricerche
study studien estudios estudos etudes studi studiow
national nazionali nacionales nacionais nationaux nationella nasjonalt nationalt kansalliset nemzeti kebangsaan nasionalnyy natsional naisiunta milli panstwowego narodna narodnog natsionalnogo
international internationalt internasjonal internationell kansainvalinen nemzetkozi medzinarodny mezhdunarodnyy mizhnarodnyy antarabangsa internacionals
european europeos europeens europeennes europejska europejskie evropsky evropska europski europska europeiska europeisk evropeyskiy eurooppalainen europskog europai
federal federales federaux bundesanstalt bundesinstitut bundesministerium eidgenossische federaux federalnoe federalnogo savezni
state staatliches staatlicher estaduais statens statlig devlet valtion allami panstwowa panstwowe panstwowych statni statny drzavni drzavna gosudarstvennaya derzhavna negeri dowlati
regional regionales regionaux regionali regionalne rejonowy wojewodzki wojewodzka oblastnoy oblastnaya krajska krajsky zupanijski alueellinen
province provincia provincie provinz provincial provinciale provinciales prowincja provinsi
county comte condado contea grafschaft megye fylke fylkeskommune comitat judetean
municipal municipales municipaux comunale communal communale kommunale kommunal miejski miejska mestska mestsky gradska gradski gorodskaya gorodskoy miejskiego varosi kaupungin belediye ajuntament ayuntamiento
city mairie gemeinde gemeinte stads staden stadens stadtische stadtischen urbana urbano miasta grad gradu mista kota shahr
council conselho consell neuvosto tanacs sovet vijece savet sfat
ministry ministeres ministerios ministarstva ministerstva ministeriet ministerium ministere ministeriya bakanlik vezirat
government gubernamental gouvernemental regjeringen regeringen kormany
agency agences agencias agenzie agenturen agencija agentsiya agentstvo ajans
authority autoridades autorites autoritat myndighet styrelsen direktoratet virasto hatosag otoritesi organ
administration administracao administracija administratsiya forvaltning hallinto
office oficinas bureaux uffici kantor kontor toimisto hivatal landesamt bundesamt urad bureaus ufficio ofis
committee comites comitati komiteen bizottsag valiokunta comitetul odbora
association asociaciones associations associacao associacoes associazioni verenigingen verbande bundesverband landesverband foreningen yhdistykset zvaz svaz savez udruga udruga zwiazek szovetseg liitto liga league ligue lega assotsiatsiya asosiasi persatuan anjoman asotsiatsiia samband dachverband
society societes sociedades societats gesellschaften spolek sdruzenie drushtvo obshchestva tarsasaga selskabet maatschappij persekutuan jamiyat tovarystvo sozietat
foundation fundaciones fondations fundacoes fondazioni stiftungen vakif fundatiei fundusz yayasan bonyad fundatsiia fondet stiftelse saatio
federation federations federaciones federacija federasyonu federatsiya forbundet forbund
union unions uniones sindicato sindacato gewerkschaft syndicat vakbond unionen liiton
network redes reseaux reti netzwerke nettverk natverk verkosto halozat mrezha mreza
group grupos groupes gruppi grupy gruppen gruppa skupiny csoportja kelompok kumpulan grubu
company companhias compagnies sociedad firmen spolka firmy sirket sirketi kompaniya kompaniia perusahaan syarikat sherkat aziende entreprises empresas bedrijven yritys vallalat
industry industrias industries industrie industrien sanayii promyshlennosti prumyslu przemyslu industriya industri
industrial industriali industriels industrieller industrielles prumyslovy przemyslowe priemyselny industrijski promyshlennyy ipari teollinen endustriyel
technology tecnologias technologies tecnologie technologien teknologia tekniikka teknoloji teknolojileri technologia tehnologiju tehnologija tehnologii tekhnologiya tekhnologiy technologie teknologi fanavari
technical techniczna techniczny tekniska tekninen technisches muszaki tehnicka tehniska teknikal fanni tehnika technickych technicka technicky
polytechnic politechnika politehnicki polytekniska politecnica politecnici politeknik polytech politekhnichnyy
engineering ingenierias ingenieure ingenieurs ingegneri engenheiros inginerie inzenyr insinoori ingenior ingenjor mernok muhendisligi inzhenernyy inzhiniring kejuruteraan mohandesi
electronics elektronika elektronisk elektroniikka
electric electricidad electricite elettricita elektrizitat electricidade elektriciteit elektryczny elektricky energetyka
computer komputer computadora ordinateur ordinador
information informations informaatio informacio informaci informatsionnyy bilgi informacijski informasjon maklumat informasi
informatics informatica informatique informatik informatyka informatiky informatikai bilisim
system systemes sistemas sistemi systeme systemen systemy sustav sistema rendszer jarjestelma
data datos donnees dati dados
digital digitales numeriques digitaalinen cyfrowy digitalni
communication comunicaciones communications comunicazioni comunicacoes telecomunicaciones telecommunications telecomunicacoes telekommunikation telekom iletisim viestinta
energy energetica energetico energetique energias energien energetika energetyczny energetiikka energiatudomanyi tenaga
power elektrownia kraftwerk kraft centrala
nuclear nucleaires nukleare jaderna jadrowych yadernyy nuklearni nukleer nuklir ydin atomenergie atomique atomico
physics fisicas physiques physikalisch physikalische fysikalisk fizikai fizicki fizicka fizicheskiy physiki
chemistry chimiques quimicas chemiczny chemicka kemisk khimicheskiy himije hemija hemijski kimyasal
biology biologicas biologiques biologisk biologicka biologiczny biologicheskiy bioloski
mathematics matematicos mathematisch mathematische matematisk matematicka matematyczny matematicheskiy matematike
molecular molekular molekulova molekularna molekylar molecolare moleculares moleculaires
material materiales materiali materiais materiaal materialov malzeme materialovedeniya
health saludable salud salubrita sanidad sanitat sanitaire sanitaires gesundheitswesen gezondheidszorg helsetjeneste halsovard terveydenhuolto terveyden egeszsegugyi sagligi zdravotni zdravotnicki zdrowotnej zdorovia zdravookhraneniya behdasht kesihatan sundhed slainte iechyd sanitatia
care cuidados soins assistenza vard omsorg pleje hoito opieki opieka pece zorggroep
public publics publicos publiques publiki offentlig offentliga julkinen publicznego publicznej verejne verejneho javni javno obshchestvennyy kamu kozossegi awam
social sociales sociaux sociali sosiale sosial spolecznych socialnich socijalne szocialis sosyal soziales socialna sotsialnyy
economics economicos economiques economiques ekonomiczna ekonomicka ekonomska ekonomskih gazdasagi gazdasagtudomanyi kauppakorkeakoulu ekonomicheskiy oekonomie volkswirtschaft wirtschaftsforschung okonomi okonomie iktisat ekonomichnyy
business empresarial empresariales negocios affari entrepreneuriat isletme bisnis perniagaan liiketoiminta uzleti
commerce commerciale comerciales commercial kauppa handelshochschule handelshogskolan handelshoyskole perdagangan kereskedelmi
finance financiera financiero financieros financier financiere finansiell finansowy finansov finansovyy penzugyi rahoitus financni finans kewangan keuangan maliye
management gerencia administracion manajemen pengurusan yonetim yonetimi rizeni zarzadzanie zarządzania upravleniya upravljanje menedzhmentu bedriftsledelse
law juridica juridico juridique juridisch juridiques jurisprudencia rechtswissenschaft rechtswissenschaften prawny prawna pravni pravna yuridicheskiy jogi hukum undang oikeus rett ratt
education educativa educativo educatif educacional educacionales erziehung paedagogik pedagogika pedagogical pedagogisk pedagogicheskiy pedagogiczny pedagosko obrazovanie obrazovaniya obrazovania vzdelavani vzdelavania egitimi utbildning onderwijsinstelling pedidikan maarif opetus koulutuskeskus osvity amoozesh vocational
training formacio schulung capacitacion capacitacao szkolenia skoleni opleiding obuka
teacher maestros profesores enseignants insegnanti lehrerbildung docentes ogretmen opettaja tanar guru nauczycieli
culture culturales culturel culturelle culturali kulturelle kulturalny kulturni kulturnyy kulturalis kultuur cultural
art artes artistica artistico arts arti kunste kunsten sztuki umeni umetnosti umjetnosti isskustv sanatlar muveszeti taideyliopisto konstnarlig seni honar mystetstv
history historica historico historique historisches historischer historiska historiczny historicky istoricheskiy tarihi tortenelmi povijest istorija historiallinen historical historic sejarah
language linguas langues lenguas lingue sprachen sprachwissenschaft linguistica linguistique linguistics linguistik jezik jezika jezyka jazyk jazyka yazyka nyelv nyelvtudomanyi kieli kielten bahasa zaban
philosophy filosofico philosophische filozofski filozoficka filosofska filozofiai
psychology psicologico psychologisch psychologisches psykologi psykologian psychologiczny psychologicka psikoloji
music musicale musicales musical musikalische musikhochschule musikki zeneakademia muzicka muzyki muzyka
museum museen muzeului muzeul muzeja museos musees musei museums museer
library bibliotecas bibliotheken bibliotheques kirjasto konyvtar kutuphanesi perpustakaan ketabkhane biblioteka biblioteki knjiznica narodna
archive archives archivos archivi archive archiven arkiv arsiv arhiv leveltar arxiu arquivo
environment ambientales ambientais ambientali umweltschutz milieu miljoe miljo ymparisto kornyezet kornyezetvedelmi okoliša zivotniho prostredi srodowisko ekologie cevresel lingkungan alam okruzhayushchey medioambiental medioambiente
climate climatico climatica climatique klimaat ilmasto klimatu klimatologie eghlim
water aguas eaux acque wasserwirtschaft waterschap vodni vodna vodovod wodna wodociagi vesi vizugyi hydraulique hidraulica hydraulic hydraulik hydrologie hydrologic hidrologia
sea maritima maritimo mares morski morska morskoy deniz tenger meri laut
marine marins marines marinas marinos marini mariniers meeres meereskunde meeresforschung mareka
ocean oceanografia oceanographie oceanografico oceanographique oceanology ozean oceanologii oceanic
earth terrestre erdkunde maan foldtani zemlje zemli
geology geologia geologie geologica geologicos geologiques geologisk geologiska geologicky geologicka geoloski geologiczne geologicheskiy jeoloji geologian
geophysics geofisica geophysique geophysik geofizyki geofyzikalni geofizika geofizike
agriculture agricoles agrarias agrarian agraire agronomiques agronomico agronomica agronomy rolnicza rolniczego rolnictwa zemedelska zemedelsky polnohospodarska selskokhozyaystvennyy selskogo poljoprivredni poljoprivreda mezogazdasagi agrartudomanyi jordbruk jordbruks lantbruk landbrug maatalous tarimsal ziraat pertanian keshavarzi agraria agropecuaria agropecuario agroalimentaire agroalimentari silskohospodarskyi
forest forestales forestais forestali forestiere forstliche lesnicka lesnicky lesna lesny lesnoy sumarski skogs metsa metsatieteellinen ormancilik orman erdeszeti hutan perhutanan lesow
food alimentos alimentaria alimentario aliments alimentation lebensmittelwissenschaft voedsel voeding zywnosci zywienia potravin elelmiszer elintarvike gida pangan makanan prehrambeni pishchevoy livsmedel fodevare
nutrition nutricion nutricao nutrizione ernahrung voeding zywienia vyzivy ishrane taplalkozas beslenme gizi
animal animales animais animali tierzucht zwierzat zivocisne hayvan hayvancilik haiwan peternakan zootecnia zootechnie zootechnical
plant plantas plantes vegetal vegetale vegetales vegetali roslin rostlin rostlinne bitki novenytani kasvi pflanzenforschung tanaman rasteniy
veterinary veterinarni veterinarska veterinarnoy veterineri diergeneeskunde elainlaaketiede allatorvosi veteriner haiwan
pharmacy farmaceutycznej farmaceuticka farmaceutski eczacilik pharmazie apotheke gyogyszer farmasi farmatsiyi
pharmaceutical farmaceuticas farmaceutici pharmaceutiques pharmazeutisches farmaceutyczne farmaceuticky laakkeet ilac
dental odontologica dentaria dentale zahnarztliche stomatologie stomatologii stomatologiya stomatoloski hammaslaaketiede tandheelkunde tandlaege tandvard pergigian gigi
cancer cancerologie cancerologia krebsforschung onkologisch onkologicky oncologico oncologica oncologique onkolojik rakforschung syopa tumori tumorforschung kanserra oncologique onkoloski
heart cardiovascular cardiovasculaire cardiovasculares herzzentrum kardiologii kardiologie kardiologiya kardiyoloji kalp sydan hjerte hjart sziv jantung cardiology
brain cerebral cerveau hersen mozgu mozku hjerne hjarn aivo beyin otak
neurology neurologia neurologie neurologico neurologique neurologii neurologisch
surgery chirurgii chirurgico chirurgicale chirurgische kirurgi cerrahi cerrahisi
child nino ninos infancia enfance infantiles enfants bambini bambino criancas crianca pediatrico pediatrica pediatrique pediatric pediatrics paediatric padiatrie kindheit barn barns borne lapsi lasten dziecka detske detskaya detskiy djece cocuk gyermek anak kanak koodakan
woman mujeres femmes donne mulheres frau frauenheilkunde kvinder kvinner kvinnor naisten kobiet zena zhenskiy kadin wanita perempuan maternity maternidad maternite maternidade
youth jovenes jeunes giovani jugendhilfe mladez mladezi mlodziezy molodezhi genclik ifjusagi nuoriso ungdom belia pemuda
family familiar familiare familiales rodzina rodina rodiny obitelj csalad perhe aile keluarga
service servicios services servizi servicos dienste diensten tjenester tjanster palvelut uslugi sluzby sluzba hizmetleri szolgalat perkhidmatan layanan serviciul
security seguretat seguranca beveiliging veiligheid sikkerhet sakerhet turvallisuus bezpieczenstwa bezpecnosti bezpecnost sigurnost guvenlik guvenligi biztonsagi keselamatan keamanan bezopasnosti safety
defense defensas obrona obrony obrany obrana odbrane savunma forsvar forsvars forsvaret puolustus honvedelmi pertahanan oborony
army ejercito armee esercito exercito heer leger armada wojsko wojskowy armady ordu hadsereg armee bundeswehr armed
military militar militaire militare militar militarakademie wojskowa vojenska vojensky voyennyy vojna askeri katonai militaer
navy naval marina marine navale kriegsmarine
police policia polizia policija polizei politi polis policji policie poliisi rendorseg polisi militia
court tribunal corte cour gericht soud sud
space spatial spatiale espacial spaziale spaziali weltraum kosmiczny kosmicheskiy uzay avaruus urkutatas rymd romfart ruimtevaart
air aerienne aereo aerea aeronautique aviation aviacion aviacao aviazione luftfahrt luchtvaart lotnictwa letecky aviatsionnyy havacilik ilmailu legi luftfart flug
airport aeropuerto aeroport aeroporto flughafen luchthaven lotnisko letiste havalimani lentokentta lufthavn flygplats bandara
transport transportes transporti verkehrswesen vervoer transportu dopravy dopravni transportni ulasim ulastirma kozlekedesi liikenne transportnyy samferdsel pengangkutan perhubungan
railway ferroviario ferroviaria ferroviaire eisenbahn spoorwegen kolejowy zeleznice zeleznicni zheleznykh demiryolu vasut rautatie jernbane jarnvag rail
road carreteras rutas routes strassenbau drogi drog silnic yollari jalan
construction construcciones constructions costruzioni bauwesen bouw budowlany budowlana stavebni stavebna gradevinski stroitelnyy stroitelstva yapi insaat epitesi rakennus byggeri bygg pembinaan building bau
architecture architettonica architektonische arkitektur arkitekt architektury mimarlik epiteszeti arhitektura seni
design diseño projektowania dizain disseny muotoilu tasarim reka
development desarrollos desarrollo developpements entwicklungs rozwojowy razvoja razvoj gelistirme kalkinma fejlesztesi kehitys utvikling utveckling udvikling pembangunan razvitiya ontwikkeling desenvolupament
innovation innovaciones innovations innovaatio inovasyon innovatsiy inovace inovacije innovacios inovasi
planning planificacio planification pianificazione raumplanung planlama suunnittelu tervezesi planowania planovani perancangan
statistics estadisticas statistisches statistische statistica estatistica statystyczny statistik istatistik tilastokeskus statisztikai statisticky statistikaamt
applied aplicadas aplicades applicata appliquees appliques angewandtes stosowanych aplikovane aplikovana primijenjene uygulamali alkalmazott toegepaste anvendt tillampad soveltava prikladnoy gunaan terapan
advanced avanzados avanzadas avances avancats zaawansowanych pokrocilych ileri
general generales generaux generali obecny obecna opsti opca obshchiy altalanos yleinen umum allgemeines ogolny
central centralna centralny ustredni centralnaya tsentralnaya kozponti keskus merkez zentrales centraal centralnog
higher superiores superiors visoka vysoka vysoke wyzsza wyzszej vysshaya vyshcha fels foiskola yuksek hogere tinggi
new nouvelles nuevas nuovi novos novas neuer neues nowa nowy novaja uusi yeni ny baru nieuw
old viejo antiguo vieux ancien vecchio antico velho stary stara gamla gammel vanha regi eski
great grand grande grandes gros gross grosse groot wielki velky velika bolshoy nagy buyuk stor suuri besar
royal reales royale regio krolewski kralovska kuninklijke kongelig kungl kuninkaallinen kiralyi diraja kraliyet
saint santa santos sainte szentpeter swietego svateho svaty sveti svetog sviatoho aziz pyha sveta
bank banca bancos bancaire bankasi bankacilik bancario banki banke pankki bankovni
insurance assurances seguros assicurazioni versicherungs ubezpieczen pojistovna osiguranje sigorta biztosito vakuutus forsikring forsakring insuransi takaful
market mercados marches mercati rynek pasar piac markkina marked
product productos produits prodotti produtos produkte produkty proizvodnja
production produccion producao produzione produktion produkcji vyroba proizvodstva uretim gyartas tuotanto
global globale welt mondiale mondiali mondiaux mondial swiatowy svetovy maailman vilag dunya verden varlds dunia
world mundial mondiale mundiales
north septentrional nordeste northern norra nordlig polnocny severni severny severnyy pohjois kuzey eszaki utara shomal nordul nord
south meridional southern sodra poludniowy jizni juzni yuzhnyy etela guney deli selatan jonub sydlig zuid sued
west occidental occidentale western vastra zachodni zapadni zapadny zapadnyy lansi bati nyugati barat vest
east oriental orientale eastern ostra wschodni vychodni vychodny vostochnyy istocni dogu keleti timur sharq oost
northeast noreste nordeste nordost northeastern
northwest noroeste nordouest nordwest northwestern
southeast sureste sudeste sudost southeastern
southwest suroeste sudoeste sudwest southwestern
germany alemana alemanes tyskland nemecka niemiecki saksa nemet almanya njemacka nimechchyna tedesca
france francaises frances franceses francuska francouzsky frankrijk frankrike fransa ranska perancis
spain espanoles spaansk hiszpania spanelsko ispanya espanja
italy italiani italiane italienische wloski italsky talijanski italya olasz
portugal portuguesas portugueses portugais portoghese
brazil brasileiros brasileno brezilya
japan japonesa japoneses japonaise giapponese japanisch japonya nippon jepun jepang
china chinesa chinoise cinese chinesisch kitay tiongkok zhongguo zhonghua
korea coreana coreano coreenne koreanisch kore hanguk daehan
russia rossiya rusa ruso russe russo rossijskaya rossiiskiy rossijskoj vserossiyskiy russkaya
ukraine ukrainska ukrainskogo ukrajina ukrainische ukrainien ukrainskoi
poland polskich polnische polonais polacca polsko poljska polskiego
czech ceskoslovenska ceskych tjeckien czeski
hungary hongrois ungarische hungria ungheria wegry macaristan magyarországi
romania romaneasca roumaine rumanische romanian romaniei
greece griechische grecque ellados ellada elladas hellas yunanistan
turkey turque turca turkische turkiyenin turc turecko turchia
finland finlandais finnische suomalainen finlandese finska
sweden suedois schwedische sueca svezia svensk sverige
norway norvegien norwegische noruega norvegese noreg
denmark danois danische dinamarca danimarca dansk
netherlands neerlandais niederlandische holanda olandese holland hollands
belgium belges belgische belgica belgio
switzerland suisses schweizerischer schweizer svizzeri suiza suica schweizerisches helvetica
austria osterreichischer osterreichisches autrichienne austriaca avusturya ausztria
ireland irlandais irische irlandesa
scotland ecosse escocia schottland alba
wales galles gales cymru wale
england anglais inglesa englische lloegr
britain britannique britanica britische british
america americaine americana americano amerikanische amerikan amerikai
africa africaines africanos afrikanische
asia asiatique asiatico asiatica asiatische asiatiques
india indienne hindi bharat bharatiya hind
canada canadiense canadese kanada kanadische
mexico mexicanos mexicanas mexicain messico
argentina argentino argentinos argentine
catalonia cataluna catalunya catalogne catalana catalan katalonien
andalusia andalucia andaluza andaluz andalousie andalusian
basque vasco vasca euskal euskadi euskadiko
valencia valenciana valencia
galicia galega gallega gallego
bavaria bayern bayerische bayerisches bayerischer bavarian baviera
saxony sachsen sachsische sachsischen saxon
flanders flandre vlaanderen vlaamse flemish flandern
wallonia wallonie wallonne waals
brittany bretagne breton
tuscany toscana toscane toskana
lombardy lombardia lombardie
sardinia sardegna cerdena
sicily sicilia siciliana
madrid madrileno
catholic catolicas catholiques katolik katolicka katolickiego katolikus katolsk katolinen
christian cristiana cristiano chretien chretienne christliche christelijke chrzescijanska kristen kresztyen
islamic islamica islamique islam islami islamische islamisch
jewish judio juive ebraica judische
protestant protestante evangelical evangelica evangelico evangelisch evangelische evangelique
lutheran luterana lutherische
buddhist bouddhiste budista
biotechnology biotecnologias biotechnologii biotekniikka biyoteknoloji
genetics genomica genomique genomics genomik genom genetico genetica
immunology inmunologia immunologie imunologie immunologii imunologia immunologia
microbiology microbiologia microbiologie mikrobiologie mikrobiologii mikrobiologiya
virology virologia virologie virologii
bacteriology bacteriologia bakteriologie
biomedical biomedica biomedico biomedicale biomedizinische biomedycznej biomedicina biomedicine biomedizin biomediche
biodiversity biodiversidad biodiversite biodiversita biodiversitat biodiversidade
robotics robotica robotique robotik robotyki robotikk
artificial artificielle kunstliche artificiale sztucznej
intelligence inteligencia intelligenz intelligenza inteligencji
astrophysics astrofisica astrophysique astrophysik astrofizyki astrofyzika
astronomy astronomico astronomica astronomique astronomiczny astronomisch astronomicky astronomisk
meteorology meteorologico meteorologisches meteorologicky meteorologiske meteorologyczny hidrometeorologia ilmatieteen
seismology sismologia sismologie sismologico seismologie
optics optica optique optik ottica optyki
acoustics acustica acoustique akustik akustyki
electronics electronico electronica elettronico
microelectronics microelectronica microelectronique mikroelektronik microelettronica
mechanical mecanico mecaniques meccanico mechanisch mechanicky maschinenbau makine gepeszmernoki konetekniikka strojni strojirenstvi strojarski mechaniczny
civil civile civiles ziviler
aerospace aeroespacial aerospatial aerospatiale aerospaziale luftraumfahrt
automotive automotriz automobil otomotiv samochodowy
metallurgy metalurgia metallurgie metallurgia hutnictwa metalurgije metalurji metallurgii
mining mineria mineracao gornictwa rudarski rudarstvo rudarstva madencilik banyaszat banicka gornyy kaivos gruvdrift bergbaus miner
textile textil tessile tekstil tekstilni wlokiennictwa
printing imprenta imprimerie druckerei drukkerij
press prensa presse stampa prasa imprensa tisk
publishing editorial editions editora verlag wydawnictwo uitgeverij kiado edizioni nakladatelstvi izdatelstvo
news noticias nouvelles notizie nachrichten
radio radiodifusion rundfunk omroep radiowy
television televisao televisione televize fernsehen telewizja
film cine cinema cinematografia filmowa kino
sport deportes deporte sportive sportivo sports idrett idrott urheilu sportu spor sukan olahraga esport
physical physique fisico fisica korperliche
exercise ejercicio esercizio bewegung
tourism turismo tourisme tourismus toerisme turystyki turistika turizm matkailu pelancongan pariwisata
hotel hoteles hoteleria hotellerie hotelfach
labour laboral laborales travail lavoratori trabajadores trabalhadores arbeits arbeitsmedizin pracy prace rada trud truda munka tyoterveyslaitos arbeid
occupational ocupacional professionnelle professionelle beruf beroeps professional profesional profissional profesyonel
rehabilitation rehabilitacion rehabilitacao readaptation reeducation riabilitazione rehabilitacji rehabilitace kuntoutus rehabilitering fizik
disease enfermedades maladies malattie krankheiten doencas ziekten chorob nemoci bolesti betegseg taudit hastalik hastaliklari sykdommer sygdomme sjukdomar penyakit patologia pathologie pathology boleznei
infection infeccion infecao infezione infektion infektions zakazny zakaznych infekcyjnych enfeksiyon infektologii
respiratory respiratoria respiratorio respiratoire pulmonary pulmonar pneumologie lung
tuberculosis tuberculose tuberkulose gruzlicy tuberkuleza tuberkulozy verem
eye oeil augen occhio ophthalmology oftalmologia ophtalmologie oftalmologica augenklinik szemeszeti silmä ogen
blood sangre sang sangue blut bloed hematology hematologia hematologie hamatologie transfusion krwi krve
skin dermatologia dermatologie haut pelle piel dermatology
mental psychiatry psiquiatria psychiatrie psichiatria psychiatrii psykiatri psykiatria psikiyatri psychiatric psiquiatrico psychiatrique
urology urologia urologie urologii uroloji
orthopedics ortopedia orthopedie orthopadie ortopedii ortopedi orthopaedic orthopedic traumatologia traumatologie traumatology
gynecology ginecologia gynecologie gynakologie obstetrics obstetricia obstetrica
nursing infermieristica verpleegkunde sykepleier sygepleje omvardnad hemsirelik keperawatan pflegewissenschaft krankenpflege osetrovatelstvi
elderly ancianos personnes anziani idosos alten geriatrics geriatria geriatrie senior gerontology gerontologia gerontologie
person personas persone pessoas personen osob
resource recursos ressources risorse ressourcen zasobow zdroju kaynaklar sumber
natural naturales naturelles naturali naturais naturelle prirodnih prirodni przyrodniczy prirodovedecka termeszettudomanyi dogal luonnon alami estestvennykh naturwissenschaft naturwissenschaften
life vida vie vita leben leven zivota zycia elet elama yasam hayat hayati bios
safety seguridade arbeitsschutz arbeidsmiljo
fire incendios bomberos feuer brand pozarnictwa pozarna pozharnoy yangin tuzolto
rural rurale rurales landlich wiejski vidensky kirsal videki pedesaan luar
urban urbaine urbaines urbani urbanas stadtentwicklung urbanistica urbanism urbanisme urbanismo miejskich kentsel varosfejlesztesi perkotaan
territory territorio territoire territoriale territorial territoires
peace paz paix pace frieden vrede pokoju mira baris beke rauha fred damai perdamaian
human humanos humaines humane menschen clovek czlowieka insan ember ihminen manusia
right derechos droits diritti direitos rechte rechten prawa prav haklari jogok oikeudet
democracy democracia democratie demokratie democrazia demokracji
policy politica politiques politik beleid polityka politiki siyasa
strategy estrategia strategie strategico strategiques estrategicos strategic strategische
international relaciones relations relazioni relacoes
relations relaciones relazioni relacoes beziehungen betrekkingen stosunkow vztahu
foreign exterior exteriores etrangeres esteri auswartiges auswartigen buitenlandse zagranicznych zahranici
interior internos interieur interno innern innenministerium wewnetrznych vnitra binnenlandse
justice justicia giustizia justica justiz justitie sprawiedliwosci spravedlnosti adalet
treasury tesoro tresor hacienda hazine
tax impuestos impots imposte impostos steuer steuern belasting podatkowy dane vergi skatt skat vero
customs aduana aduanas douane dogana zoll celna gumruk
post correos poste postale correios posta
electricity electricidad elektro elettrico electrique
gas gaz gaze gasversorgung
petrochemical petroquimica petrochimie petrolchimica
coal carbon charbon carbone kohle kolen wegla uhli komur
wind eolica eolienne vento windkraft eolico
solar solaire solare solarenergie fotovoltaica photovoltaique
recycling reciclaje recyclage riciclaggio
waste residuos dechets rifiuti abfall afval odpadow odpadu atik jate avfall
plastic plasticos plastiques kunststoff kunststoffe plastica tworzyw plastik
rubber caucho caoutchouc gomma gummi kauczuk karet getah
metal metales metaux metalli metalle metalen metali kovu
glass vidrio verre vetro glas vidro szkla skla lasi
wood madera bois legno holz hout drewna dreva ahsap trae madeira kayu
leather cuero cuir cuoio leder skory deri couro kulit
stone piedra pierre pietra stein steen kamien kamen
wine vino vinho wein wijn wina vina sarap viticulture viticultura viticoltura oenology oenologie enologia weinbau
beer cerveza biere birra bier cerveja brewery brauerei brouwerij browar pivovar cervejaria cerveceria
milk leche lait latte milch melk leite mleka mleko dairy lacteos laitiere laiterie molkerei mejeri
meat carne viande fleisch vlees miesa masa liha kjott kott
fish pescado pesca peche fisch fischerei visserij rybacki rybarstvi balik kala fisk fiskeri fisheries fishery pesqueria pesquera pesqueira perikanan halaszati fiskeriforskning rybnogo
garden jardines jardins giardini jardim gartenbau ogrod ogrodnictwa zahrada bahce kert puutarha have tradgard kebun botanico botanischer botanique
horticulture horticultura horticole gartenbau orticoltura
seed semillas semences sementi saatgut nasiennictwa
soil suelo suelos sols suolo solo boden bodem gleby puda toprak talaj jord maapera tanah
river rio riviere fiume fluss rivier rzeki reka nehri folyo joki sungai
lake lago lac meer jezioro jezero gollu jarvi innsjo tasik danau
mountain montana montagne montagna berg gebirge gora gory hora hegy vuori fjell gunung alpine
island isla isola insel eiland wyspa ostrov sziget saari pulau islands islas iles
coast costa cote kust kuste wybrzeze obala kiyi rannikko kyst pantai coastal
port puerto porto hafen haven przystav luka liman kikoto satama havn hamn pelabuhan harbour harbor
bridge puente pont ponte brucke brug most kopru
tower torre tour turm toren wieza kule
church iglesia eglise chiesa igreja kirche kerk kosciol kostel kilise templom kirkko kirke kyrka gereja diocese
theology teologia theologie teologisk teologicka teoloji teologiai theologische
humanity humanidad humanite umanita menschheit
emigration migracion migration migrazione
border frontera frontiere grenze granica
member membre miembro
friend amigos amis amici freunde vrienden przyjaciol pratel
help ayuda aide aiuto hilfe hulp pomoc ajuda yardim segely hjelp hjalp bantuan
solidarity solidaridad solidarite solidarieta
cooperative cooperativas cooperatives cooperative kooperatif spoldzielnia druzstvo szovetkezet osuuskunta osuuskauppa koperasi zadruga
competence competencias competences kompetenz kompetenzzentrum kompetence
excellence excelencia exzellenz eccellenza
observatory observatorios observatoires osservatori observatorija obserwatorium rasathane obszervatorium observatoriet observatorija hvezdarna sterrenwacht sternwarte
station estacion stazione stacja stanice istasyon allomas asema stasjon stesen
experiment experimentacion experimentation esperimental experimenteel
process procesos procedes processi prozess prozesse
control controllo kontroll kontrola kontroli denetim ellenorzo valvonta
quality calidades qualite qualitaten jakosci kvality kalite minosegi laatu kvalitet kualiti mutu
standard normas normes norme normung normalizacion normalisation standardisierung
metrology metrologia metrologie metrologii metroloji
measurement medicion mesure misura messung meting pomiaru mereni olcum mittaus measuring
test pruebas essais prove prufung testing ensayos
inspection inspeccion ispezione inspektion
consulting consultoria conseil consulenza beratung advies doradztwo poradenstvi danismanlik tanacsado konsultointi radgivning konsultan
trade comercial commerciaux
import importacion importation importazione
export exportacion exportation esportazione
engineer ingeniero ingenieur ingegnere engenheiro
doctor medico medecin arzt arzte lekarzy lekaru doktorlar laakarit orvosok
student estudiante etudiant studente estudiantes etudiants studenti studenter ogrenci hallgatoi opiskelija
citizen ciudadano citoyen cittadino burger burgers obywateli
university panepistimio panepistimiou panepistimion
institute institoyto institoytoy instityto
foundation idryma idrymatos
research ereyna ereynas ereynon ereynitiko
science epistimi epistimis epistimon
hospital nosokomeio nosokomeioy
ministry ypoyrgeio ypoyrgeioy
center kentro kentroy
company etaireia etairia
national ethniko ethniki ethnikon
greece elladas ellados ellinikis ellinikon ellinikoy
universal universel universell universale universalis
blind ciegos aveugles ciechi blinden niewidomych nevidomych
deaf sordos sourds sordi gehorlose gluchych
holding hldg hldgs
group grp
property ppty pptys
realty rlty
transport transn transp
communication commns
entertainment entmt
america amern
railway rwy
motor mtrs
engineering engr engrg
construction constr
investment invt invts
solution soln solns
health hlth
product prods
saving svgs
association assocs
building bldg
management mgt
marketing mktg
equipment eqpt`

// lastWords are what the compounds of German, Dutch, the Nordic languages and
// Finnish end with.
const lastWords = `universitat universiteit universitet hochschule hogeschool hogskola hogskolan hoyskole skola skolan skole schule school institut instituut institutet
zentrum centrum sentrum sentret center keskus kozpont klinik klinikum kliniek spital krankenhaus ziekenhuis kinderziekenhuis sjukhus sjukhuset sykehus sygehus sairaala korhaz
ministerium ministerie ministeriet anstalt bundesamt landesamt behorde verwaltung agentur kammer verband vereniging verein forening forbund forbundet foreningen gesellschaft genossenschaft genootschap maatschappij sallskap sallskapet selskap selskapet selskab stiftung stiftelse stiftelsen stichting fonds fonden fondet
forschung onderzoek forskning forskningen wissenschaft wissenschaften wetenschap wetenschappen vetenskap videnskab vitenskap technik techniek teknik tekniikka technologie teknologi
archiv archief arkiv arkivet bibliothek bibliotheek bibliotek biblioteket museum museet akademie akademi werke werken verket versicherung forsakring bank banken gruppe groep gruppen laboratorium labor dienst dienste tjeneste tjanst
wirtschaft landwirtschaft medizin chemie physik biologie mathematik informatik geschichte geologie entwicklung ausbildung bildung politik beratung planung schutz bescherming sicherheit energie industri industrie handel verkehr union raadet radet kommission kommissionen styrelsen verket direktoratet laitos yliopisto korkeakoulu virasto liitto seura saatio`
