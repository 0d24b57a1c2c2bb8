"""The words of ``source="words"``: common English ones, of 1 to 12 letters, in three parts that share no word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from glimpse_env.random import mix
from glimpse_env.sources.arrays import positions
from glimpse_env.sources.images import Split

LONGEST: Final = 12  # letters
_SHUFFLE: Final = 10  # seed of the order


def words_of(split: Split) -> tuple[str, ...]:
    """The words of a split, shuffled: of ten in alphabetical order the ninth is for validation, the tenth a test."""
    return tuple(WORDS[i] for i in sorted(positions(len(WORDS), split), key=lambda i: mix(_SHUFFLE, i)))


def encode(words: Sequence[str]) -> npt.NDArray[np.int64]:
    """Words as `ImageSet.texts` has them: int64, (words, 1, `LONGEST`), a as 0 to z as 25, -1 where a word has ended.

    Raises:
        ValueError: If a word has other letters than a to z, none, or more than `LONGEST`.
    """
    texts = np.full((len(words), 1, LONGEST), -1, np.int64)
    for row, word in enumerate(words):
        letters = [ord(letter) - ord("a") for letter in word]
        if not 1 <= len(letters) <= LONGEST or min(letters) < 0 or max(letters) > 25:
            raise ValueError(f"{word!r} is no word of 1 to {LONGEST} letters from a to z")
        texts[row, 0, : len(letters)] = letters
    return texts


_TEXT: Final = """
a able about above accept access accident account across act action active activity actor actual add address admire
admit adult advance advantage adventure advice affair afford afraid after afternoon again against age agency agent
ago agree agreement ahead aid aim air airport alarm album alive all alley allow almost alone along already also
although always amazing ambition among amount analysis ancient and anger angle angry animal ankle anniversary
announce annual another answer anxiety any anybody anyone anything apart apartment apology appeal appear appearance
apple application apply appoint appointment approach appropriate approve april architect architecture area argue
argument arise arm army around arrange arrangement arrest arrival arrive arrow art article artist as ash aside ask
asleep aspect assist assistance assistant associate association assume at athlete atmosphere attach attack attempt
attend attention attitude attract attractive audience august aunt author authority autumn available avenue average
avoid awake award aware away awful awkward axe baby back background bacon bad badge bag bake baker bakery balance
balcony ball balloon banana band bank bar barber bare bargain bark barn barrel base baseball basic basin basis
basket basketball bat bath bathroom battery battle bay be beach bead beam bean bear beard beat beautiful beauty
because become bed bedroom bee beef been beer before begin beginning behave behaviour behind belief believe bell
belly belong below belt bench bend beneath benefit berry beside best better between beyond bicycle big bike bill
billion bind biology bird birth birthday biscuit bit bite bitter black blade blame blank blanket bless blind block
blood bloom blouse blow blue board boat body boil bold bomb bone bonus book boot border boring born borrow boss both
bother bottle bottom bounce bow bowl box boy brain branch brand brave bread break breakfast breast breath breathe
breeze brick bride bridge brief bright brilliant bring broad broken brother brown brush bubble bucket budget build
builder building bunch burn burst bury bus bush business busy but butcher butter butterfly button buy by cabbage
cabin cabinet cable cage cake calculate calendar call calm camel camera camp campaign can canal cancel candidate
candle candy cap capable capacity capital captain capture car carbon card care career careful carpet carriage carrot
carry cart cartoon case cash castle cat catalogue catch category cattle cause cave ceiling celebrate celebration
cell cellar centre century ceremony certain certificate chain chair chalk challenge champion championship chance
change channel chaos chapter character charge charity charm chart chase cheap cheat check cheek cheer cheese chef
chemical chemist chemistry cherry chess chest chicken chief child childhood chimney chin chocolate choice choose
chorus church cigar cinema circle circumstance circus citizen city civil claim class classical classroom clay clean
clear clerk clever client cliff climate climb clock close cloth clothes clothing cloud clown club clue coach coal
coast coat code coffee coin cold collapse collar colleague collect collection college colony colour column comb
combination combine come comedy comfort comfortable command comment commercial commission commit committee common
communicate community company compare comparison compete competition complain complaint complete complex complicated
computer concentrate concept concern concert conclude conclusion concrete condition conduct conference confidence
confirm conflict confuse confusion congress connect connection conscious consequence conservation consider
considerable consist constant construct construction consumer contact contain contemporary content contest context
continent continue contract contrast contribute contribution control convenient conversation convince cook cookie
cool copper copy coral core corn corner correct cost cottage cotton couch cough could council count counter country
countryside county couple courage course court cousin cover cow crack craft crash crazy cream create creation
creative creature credit crew crime criminal crisis critic critical crop cross crowd crown crucial cruel cry crystal
culture cup cupboard cure curious curl current curtain curve cushion custom customer cut cycle dad daily dairy
damage damp dance dancer danger dangerous dare dark data date daughter dawn day dead deaf deal dear death debate
debt decade decide decision deck declare decline decorate decoration deep deer defeat defence defend define
definition degree delay delicate delicious delight deliver delivery demand democracy demonstrate dentist deny
department depend deposit depth describe description desert deserve design designer desire desk despite dessert
destroy destruction detail detective determine develop development device devil diamond diary dictionary die diet
differ difference different difficult difficulty dig digital dinner diploma direct direction director dirt dirty
disagree disappear disappoint disaster discount discover discovery discuss discussion disease dish dismiss display
distance distant distinction distribution district disturb dive divide division divorce dizzy do doctor document dog
doll dollar dolphin domestic donkey door dot double doubt down dozen draft dragon drama dramatic draw drawer drawing
dream dress drift drill drink drive driver drop drown drum dry duck due dull dumb during dust duty dwarf each eager
eagle ear early earn earring earth earthquake ease east eastern easy eat echo economic economy edge edit edition
editor educate education effect effective efficient effort egg eight eighteen eighty either elbow elder elect
election electric electrical electricity electronic elegant element elephant elevator eleven else elsewhere
embarrass emergency emotion emotional emperor emphasis empire employ employee employer employment empty enable
encounter encourage end enemy energy engage engine engineer engineering enjoy enormous enough ensure enter
enterprise entertain enthusiasm entire entrance entry envelope environment equal equipment error escape especially
essay essential establish estate estimate evaluate even evening event eventually ever every everybody everyday
everyone everything everywhere evidence evil exact examination examine example excellent except exception exchange
excite excitement exciting excuse execute executive exercise exhibition exist existence exit expand expect
expedition expense expensive experience experiment expert explain explanation explode exploration explore explosion
export expose express expression extend extension extent extra extreme eye eyebrow fabric face facility fact factor
factory fade fail failure faint fair fairy faith fall false fame familiar family famous fan fancy fantastic far farm
farmer fashion fast fat fate father fault favour favourite fear feast feather feature february federal fee feed feel
feeling fellow female fence festival fetch fever few fiction field fierce fifteen fifty fight figure file fill film
final finance financial find fine finger finish fire fireplace firm first fish fisherman fist fit five fix flag
flame flash flat flavour flesh flight float flock flood floor flour flow flower fluid fly focus fog fold folk follow
food fool foot football for forbid force forecast forehead foreign forest forever forget forgive fork form formal
former formula fort fortunate fortune forty forward foundation fountain four fourteen fox frame framework free
freedom freeze french frequent fresh friday friend friendly friendship frighten frog from front frost frozen fruit
fry fuel full fun function fund fundamental funeral funny fur furniture further future gain galaxy gallery gallon
game gang gap garage garden gardener garlic gas gate gather gaze gear general generate generation generous gentle
gentleman genuine geography geometry german gesture get ghost giant gift giraffe girl give glad glance glass glimpse
global globe glory glove glow glue go goal goat god gold golden golf good goose gossip govern government governor
grab grace gradual graduate grain grammar grand grandfather grandmother grant grape graph grass grateful grave
gravity great green greenhouse greet grey grief grip grocery ground group grow growth guarantee guard guess guest
guidance guide guilty guitar gun guy gym habit had hair haircut half hall hammer hand handbag handful handle
handsome hang happen happiness happy harbour hard hardly harm harmony harvest hat hate have hawk hazard he head
headache headline headquarters health healthy hear heart heat heaven heavy hedge heel height helicopter hell hello
helmet help helpful hen her herb here heritage hero herself hesitate hide high highlight highway hill him himself
hint hip hire his historian historic history hit hobby hold hole holiday hollow holy home homework honest honey
honour hook hope horizon horn horror horse hospital hospitality host hot hotel hour house household housewife how
however hug huge human humour hundred hunger hungry hunt hunter hurry hurt husband hut ice idea ideal identify
identity if ignore ill illegal illness illustrate image imagination imagine immediate immense impact implement
implication imply import importance important impossible impress impression impressive improve improvement in inch
incident include income increase incredible indeed independence independent index indicate individual indoor
industrial industry infant infection influence inform information initial initiative injure injury ink inner
innocent inquiry insect inside insist inspect inspector inspire install instance instant instead institute
institution instruct instruction instrument insurance intellectual intelligence intelligent intend intense intention
interest interesting internal interpret interrupt interval interview into introduce introduction invade invent
invention invest investigate investment invitation invite involve iron island issue it item its itself ivory jacket
jail jam january jar jaw jazz jealous jeans jelly jet jewel job join joint joke journal journalist journey joy judge
judgment juice july jump june jungle junior jury just justice keen keep kettle key keyboard kick kid kidney kill
kilometre kind king kingdom kiss kit kitchen kite kitten knee knife knight knit knock knot know knowledge label
laboratory labour lack lad ladder lady lake lamb lamp land landlord landscape lane language lantern large last late
laugh laughter launch laundry law lawn lawyer lay layer lazy lead leader leadership leaf league lean leap learn
least leather leave lecture left leg legal legend lemon lend length leopard less lesson let letter level liberal
liberty library licence lid lie life lift light lightning like likely limb limit line linen link lion lip liquid
list listen literary literature litter little live liver living lizard load loaf loan lobby local location lock log
lonely long look loose lord lose loss lost lot loud lounge love lovely lover low loyal luck lucky luggage lunch lung
luxury machine machinery mad magazine magic magician magnet mail main maintain maintenance major majority make maker
male mammal man manage management manager mango manner manual manufacture manufacturer many map maple marble march
margin marine mark market marketing marriage marry mask mass massive master match mate material mathematics matter
maximum may maybe mayor meadow meal mean meaning means meanwhile measure measurement meat mechanic mechanical
mechanism medal media medical medicine medium meet meeting melody melon melt member memory mental mention menu mercy
mere merit merry mess message metal method middle midnight might mild mile military milk mill million mind mine
mineral minimum minister ministry minor minority minute miracle mirror miserable miss missile mission mist mistake
mix mixture mobile model modern modest moment monday money monitor monk monkey monster month monument mood moon
moral more morning mosquito most mother motion motivation motor mountain mouse mouth move movement movie much mud
multiply mum murder muscle museum mushroom music musical musician must mustard mutual mystery nail naked name narrow
nation national native natural nature naughty navy near nearby neat necessary necessity neck necklace need needle
negative neglect negotiate neighbour nephew nerve nervous nest net network neutral never new news newspaper next
nice niece night nightmare nine nineteen ninety no noble nobody nod noise noisy none nonsense noodle noon nor normal
north northern nose not note notebook nothing notice notion noun novel november now nowhere nuclear number numerous
nurse nursery nut oak oar obey object objective obligation observation observe observer obtain obvious occasion
occasional occupation occupy occur ocean october odd of off offence offend offer office officer official often oil
old olive omit on once one onion only onto open opening opera operate operation operator opinion opponent
opportunity oppose opposite opposition option or orange orchard orchestra order ordinary organ organic organization
organize origin original other otherwise ought our ourselves out outcome outdoor outer outline output outside oven
over overall overcome owe owl own owner oxygen oyster pace pack package pad page pain painful paint painter painting
pair palace pale palm pan panel panic paper parade paragraph parallel parcel pardon parent park parliament parrot
part participant participate particular partly partner partnership party pass passage passenger passion passive
passport past pasta paste path patience patient pattern pause pavement pay payment pea peace peaceful peach peak
peanut pear pearl peasant peculiar pen penalty pencil penguin penny pension people pepper per perceive percent
percentage perception perfect perform performance perfume perhaps period permanent permission permit person personal
personality persuade pet petrol phase philosophy phone photograph photographer phrase physical physics piano pick
picnic picture pie piece pig pigeon pile pill pillow pilot pin pine pink pioneer pipe pirate pit pitch pity pizza
place plain plan plane planet plant plastic plate platform play player pleasant please pleasure plenty plot plough
plug plum plus pocket poem poet poetry point poison polar pole police policeman policy polish polite political
politician politics poll pollution pond pony pool poor pop popular population porch port portrait position positive
possess possession possibility possible post postcard poster pot potato potential pottery pound pour poverty powder
power powerful practical practice praise pray prayer precious precise predict prefer pregnant preparation prepare
presence present preserve president press pressure pretend pretty prevent previous price pride priest primary prime
prince princess principal principle print printer priority prison prisoner private privilege prize probably problem
procedure proceed process produce producer product production profession professional professor profile profit
program programme progress project promise promote promotion proof proper property proportion proposal propose
prospect protect protection protein protest proud prove provide province provision psychology public publication
publicity publish publisher pudding pull pump pumpkin punch punish pupil puppy purchase pure purple purpose purse
pursue push put puzzle pyramid qualify quality quantity quarrel quarter queen question queue quick quiet quilt quit
quite quiz quote rabbit race radical radio rail railway rain rainbow raincoat raise range rank rapid rare rat rate
rather ratio raw ray reach react reaction read reader ready real reality realize really rear reason reasonable
recall receipt receive recent reception recipe recognition recognize recommend record recover recovery red reduce
reduction refer reference reflect reflection reform refrigerator refuse regard regime region regional register
regret regular regulation reject relate relation relationship relative relax release relevant reliable relief
religion religious rely remain remarkable remember remind remote remove rent repair repeat replace reply report
reporter represent reputation request require requirement rescue research reserve resident resign resist resistance
resolution resolve resort resource respect respond response responsible rest restaurant restore restrict restriction
result retire retirement return reveal revenue reverse review revolution reward rhythm rib ribbon rice rich ride
rider rifle right ring riot ripe rise risk rival river road roar roast rob robot rock rocket role roll romance
romantic roof room root rope rose rotten rough round route routine row royal rub rubber rubbish rude rug ruin rule
ruler run rural rush sack sacred sacrifice sad saddle safe safety sail sailor saint salad salary sale salmon salt
same sample sand sandwich satellite satisfaction satisfy saturday sauce saucer sausage save saw say scale scan
scandal scarce scare scarf scene scenery schedule scheme scholar scholarship school science scientific scientist
scissors scope score scratch scream screen screw script sculpture sea seal search season seat second secret
secretary section sector secure security see seed seek seem segment select selection self sell send senior sense
sensible sensitive sentence separate september sequence series serious servant serve service session set settle
settlement seven seventeen seventy several severe sew shade shadow shake shallow shame shape share shark sharp shave
she shed sheep sheet shelf shell shelter shepherd shift shine ship shirt shock shoe shoot shop shopping shore short
shortage shot should shoulder shout show shower shrimp shut shy sick side sight sign signal signature significant
silence silent silk silly silver similar simple since sing singer single sink sir sister sit site situation six
sixteen sixty size skate sketch ski skill skin skirt skull sky slave sleep sleeve slice slide slight slim slip slope
slow small smart smell smile smoke smooth snack snail snake snow so soap soccer social society sock sofa soft
software soil soldier solid solution solve some somebody someone something sometimes somewhere son song soon sore
sorrow sorry sort soul sound soup sour source south southern space spade spare spark speak speaker special
specialist species specific speech speed spell spelling spend spice spider spin spirit spiritual spit splendid split
spoil spoon sport spot spray spread spring squad square squirrel stable stadium staff stage stair stake stamp stand
standard star stare start state statement station statistics statue status stay steady steak steal steam steel steep
steer stem step stick stiff still sting stir stitch stock stomach stone stop storage store storm story stove
straight strain strange stranger strategy straw strawberry stream street strength strengthen stress stretch strict
strike string strip stripe stroke strong structure struggle student studio study stuff stupid style subject
submarine submit substance substantial substitute subway succeed success successful such sudden suffer sufficient
sugar suggest suggestion suit suitable suitcase sum summary summer sun sunday sunflower sunlight sunset sunshine
super superior supermarket supper supply support suppose supreme sure surface surgeon surgery surprise surrender
surround survey survival survive suspect suspicion swallow swan swear sweat sweater sweep sweet swell swift swim
swing switch sword symbol sympathy symptom system table tablet tail tailor take tale talent talk tall tank tap tape
target task taste tax taxi tea teach teacher team tear technical technique technology teenager telephone telescope
television tell temper temperature temple temporary ten tend tendency tennis tension tent term terrible terrific
territory terror test text than thank that the theatre their them theme themselves then theory therapy there
therefore thermometer these they thick thief thin thing think third thirsty thirteen thirty this thorough those
though thought thousand thread threat threaten three throat throne through throughout throw thumb thunder thursday
thus ticket tide tidy tie tiger tight tile till timber time tin tiny tip tired title to toast tobacco today toe
together toilet tomato tomorrow ton tone tongue tonight too tool tooth top topic torch tortoise total touch tough
tour tourism tourist toward towel tower town toy trace track trade tradition traditional traffic tragedy trail train
trainer training transfer transform transition translate translation transport trap travel traveller treasure treat
treatment treaty tree tremendous trial triangle tribe trick trip triumph trolley tropical trouble trousers truck
true trumpet trunk trust truth try tube tuesday tulip tune tunnel turkey turn turtle twelve twenty twice twin twist
two type typical tyre ugly ultimate umbrella unable uncle under underground understand underwear undo unemployed
unfair unhappy uniform union unique unit unite universal universe university unknown unless unlike unlikely until
unusual up upon upper upset upstairs urban urge urgent us use useful user usual utility vacation vague valid valley
valuable value van vanilla variation variety various vary vast vegetable vehicle veil vein velvet verb version
vertical very vessel veteran via victim victory video view village villager vinegar violence violent violet violin
virtue virus visible vision visit visitor vital vitamin vivid vocabulary voice volcano volleyball volume volunteer
vote voyage wage waist wait waiter wake walk wall wallet walnut wander want war ward wardrobe warm warn warning
warrior wash waste watch water waterfall wave wax way we weak weakness wealth weapon wear weather weave web wedding
wednesday weed week weekend weigh weight welcome welfare well west western wet whale what wheat wheel when where
whether which while whip whisper whistle white who whole whom whose why wide widespread widow width wife wild
wilderness will win wind window wine wing winner winter wipe wire wisdom wise wish witch with withdraw within
without witness wolf woman wonder wonderful wood wooden wool word work worker workshop world worm worry worse
worship worst worth would wound wrap wrist write writer writing wrong yacht yard yawn year yellow yes yesterday yet
yield yoghurt you young your yourself youth zebra zero zinc zone zoo
"""
WORDS: Final = tuple(_TEXT.split())
