"""The codes that languages go by here, and what else people write for them."""

from __future__ import annotations

from typing import Final

# the two letters of ISO 639-1, each with what is written in their place: three letters, a name, a country's code
_TWO: Final = """
    aa aar afar, ab abk abkhazian, ae ave avestan, af afr afrikaans, ak aka fat akan, am amh amharic, an arg aragonese,
    ar arb ara arabic, as asm assamese, av ava avaric, ay ayr aym aymara, az azj aze azerbaijani, ba bak bashkir, be
    bel belarusian, bg bul bulgarian, bh bih bihari, bi bis bislama, bm bam bambara, bn ben bangla bengali, bo bod tib
    tibetan, br bre breton, bs bos bosnian, ca cat catalan, ce che chechen, ch cha chamorro, co cos corsican, cr cwd
    cre cree, cs ces cze czech cz, cu chu, cv chv chuvash, cy cym wel welsh, da dan danish dk, de deu ger german, dv
    div divehi, dz adp dzo dzongkha, ee ewe, el ell gre greek gr, en eng english, eo epo esperanto, es spa spanish
    castilian, et ekk est estonian, eu eus baq basque, fa pes fas per persian farsi, ff fuc ful fula, fi fin finnish,
    fj fij fijian, fo fao faroese, fr fra fre french, fy fry frisian, ga gle irish, gd gla gaelic, gl glg galician, gn
    grn guarani, gu guj prp gujarati, gv glv manx, ha hau hausa, he heb hebrew, hi hin hindi, ho hmo, hr scr hrv
    croatian, ht hat haitian, hu hun hungarian, hy hye arm armenian, hz her herero, ia ina interlingua, id ind
    indonesian, ie ile interlingue, ig ibo igbo, ii iii, ik esk ipk inupiaq, io ido, is isl ice icelandic, it ita
    italian, iu ike iku inuktitut, ja jpn japanese jp, jv jav javanese, ka kat geo georgian, kg kng kon kongo, ki
    kikuyu, kj kua kuanyama, kk kaz kazakh, kl kal kalaallisut greenlandic, km khm khmer, kn kan kannada, ko kor
    korean, kr knc kau kanuri, ks kas kashmiri, ku kmr kur kurdish, kv kpv kom komi, kw cor cornish, ky kir kyrgyz
    kirghiz, la lat latin, lb ltz luxembourgish, lg lug ganda, li lim limburgish, ln lin lingala, lo lao, lt lit
    lithuanian, lu lub luba, lv lvs lav latvian, mg plt mlg malagasy, mh mah marshallese, mi mri mao maori, mk mkd mac
    macedonian, ml mal malayalam, mn drh khk mon mongolian, mr mar marathi, ms zsm msa may malay, mt mlt maltese, my
    mya bur burmese, na nau nauru, nd nde, ne npi nep nepali, ng ndo ndonga, nl nld dut dutch flemish, nn nno nynorsk,
    no nor nob norwegian, nr nbl, nv nav navajo, ny nya nyanja, oc oci occitan, oj ojg oji ojibwa, om gaz orm oromo, or
    ory ori odia oriya, os oss ossetic, pa pan punjabi, pi pli pali, pl pol polish, ps pbu pus pashto, pt por
    portuguese, qu quz que quechua, rm roh romansh, rn run rundi, ro mol ron rum romanian, ru rus russian, rw kin
    kinyarwanda, sa cls san sanskrit, sc src srd sardinian, sd snd sindhi, se sme sami, sg sag sango, sh hbs, si sin
    sinhala, sk slk slo slovak, sl slv slovenian, sm smo samoan, sn sna shona, so som somali, sq sqi alb albanian, sr
    scc srp serbian, ss ssw swati, st sot sotho, su sun sundanese, sv swe swedish, sw swh swa swahili, ta tam tamil, te
    tel telugu, tg tgk tajik, th tha thai, ti tir tigrinya, tk tuk turkmen, tl tgl tagalog filipino, tn tsn tswana, to
    ton tongan, tr tur turkish, ts tso tsonga, tt tat tatar, tw twi, ty tah tahitian, ug uig uyghur uighur, uk ukr
    ukrainian ua, ur urd urdu, uz uzn uzb uzbek, ve ven venda, vi vie vietnamese, vo vol volapuk, wa wln walloon, wo
    wol wolof, xh xho xhosa, yi ydd yid yiddish, yo yor yoruba, za zyb zha zhuang, zh cmn zho chi chinese mandarin cn,
    zu zul zulu
"""
# those without two letters that a teller of languages knows (fastText's lid.176, py3langid); `als` is their Alemannic
_THREE: Final = """
    ace als ary arz ast azb bar bcl bpy bxr cbk ceb ckb crh diq dsb dty eml ext frr fuv gcf gcr gom grc guw hbo hif hsb
    ilo jbo kab krc lez lij lmo lrc ltg mai mhr min mrj mwl myv mzn nah nap nds new nso pam pcm pfl pms pnb rue sah scn
    sco sdh tyv uzs vec vep vls war wuu xal xmf yue
"""
_ROWS: Final = [row.split() for row in _TWO.split(",")]
# what the language of an article can be
CODES: Final = frozenset(row[0] for row in _ROWS) | frozenset(_THREE.split())
_MEANT: Final = {word: row[0] for row in _ROWS for word in row[1:]}


def meant(word: str) -> str | None:
    """The code that is written for a language called `word` (in small letters): `de` for german, deu and ger."""
    return _MEANT.get(word)
