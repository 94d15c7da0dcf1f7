"""Phrases by which mail programs introduce quoted mail, in the languages we know. Data; lines.py does the reading.

Collected from what the programs write; one entry a language unless a program has its own. Lower case throughout.
"""

import re

# Header fields as mail programs translate them when they put the quoted mail's header into the text.
FROM = (
    "from|von|de|da|van|från|fra|od|от|от кого|від|lähettäjä|keneltä|发件人|發件人|寄件者|寄件人|差出人|送信者|"
    "보낸 사람|보낸사람|발신|kimden|"
    "gönderen|feladó|"
    "de la|expéditeur|remitente|remetente|mittente|afzender|avsändare|afsender|avsender|nadawca|odesílatel|"
    "odesilatel|odosielateľ|από|αποστολέας|"
    "من|מאת|pošiljatelj|šalje|saatja|nuo|no|dari|từ|จาก|frá|de:"
)
SENT = (
    "sent|date|message du|gesendet|datum|envoyé|envoyé le|enviado|enviado el|enviada em|enviado em|enviada|enviados|"
    "fecha|data|data invio|inviato|inviato il|verzonden|"
    "verzonden op|skickat|skickat den|sendt|dato|wysłano|wysłane|data wysłania|отправлено|отправлен|дата|надіслано|"
    "lähetetty|päiväys|päivämäärä|"
    "发送时间|发送日期|日期|時間|时间|寄件日期|送信日時|日付|日時|送信|보낸 날짜|보낸날짜|날짜|일시|gönderildi|"
    "gönderme tarihi|tarih|odesláno|elküldve|dátum|"
    "trimis|"
    "dată|στάλθηκε|ημερομηνία|التاريخ|تاريخ|נשלח|תאריך|saadetud|kuupäev|poslano|odoslané|dikirim|tanggal|đã gửi|ngày|"
    "วันที่"
)
TO = (
    "to|an|à|a|para|aan|till|til|do|кому|vastaanottaja|kenelle|收件人|收件者|宛先|받는 사람|받는사람|수신|kime|"
    "alıcı|címzett|către|"
    "pour|destinataire|destinatario|"
    "destinatário|komu|adresát|προς|παραλήπτης|إلى|אל|za|prima|saaja|kam|kepada|đến|ถึง"
)
SUBJECT = (
    "subject|betreff|objet|sujet|asunto|assunto|oggetto|onderwerp|ämne|emne|temat|тема|aihe|主题|主題|主旨|件名|"
    "제목|konu|"
    "tárgy|subiect|θέμα|الموضوع|נושא|předmět|"
    "predmet|teema|tema|subjek|perihal|chủ đề|เรื่อง"
)
OTHER = (
    "cc|bcc|copie à|copie a|kopie|copie|cópia|copia|kopia|kopi|копия|копія|抄送|副本|참조|bilgi|másolatot kap|κοιν.|"
    "κοινοποίηση|reply-to|reply to|antwort an|répondre à|"
    "responder a|rispondi a|risposta|svar till|odpowiedz do|importance|priority|attachments|wichtigkeit|priorität|"
    "priorité|anlagen|pièces jointes|organization|"
    "organisation|allegati|bijlagen|bilagor|załączniki|вложения|附件|添付ファイル"
)
_KINDS = (("from", FROM), ("sent", SENT), ("to", TO), ("subject", SUBJECT), ("other", OTHER))
_FIELD_WORDS = {word: kind for kind, words in reversed(_KINDS) for word in words.split("|")}
FIELD = re.compile(
    r"^[ \t\u00a0\u200e\u200f]*[*_]*("
    + "|".join(sorted(map(re.escape, _FIELD_WORDS), key=len, reverse=True))
    + r")[ \t\u00a0]?[*_]*[ \t\u00a0]*[:：][*_]*[ \t\u00a0]*(.*)$",
    re.IGNORECASE,
)


def field_kind_of(name: str) -> str:
    """ "from", "sent", "to", "subject" or "other" for a name that FIELD matched."""
    return _FOLDED_KIND.get(_folded(name), "other")


def _folded(name: str) -> str:
    # Case-blind patterns take "İ", "ſ", the Kelvin sign and the closing sigma for i, s, k and σ; lower() does not.
    return name.casefold().replace("\u0307", "")


_FOLDED_KIND = {_folded(word): kind for word, kind in _FIELD_WORDS.items()}

# The verb of "On …, … wrote:".
WROTE = re.compile(
    r"\b(?:wrote|writes|sent|said|responded|a écrit|ecrit|a envoyé|schrieb|geschrieben|hat geschrieben|schreef|"
    r"geschreven|het volgende geschreven|ha scritto|scrive|"
    r"escribió|escribio|ha escrito|escreveu|escreve|skrev|skrev følgende|följande|napisał|napisała|napisał\(a\)|"
    r"napisali|pisze|napsal|napsala|napsal\(a\)|napísal|"
    r"napísal\(a\)|kirjoitti|написал|написала|написал\(а\)|писал|пишет|пише|написав|написала|írta|ezt írta|a scris|"
    r"έγραψε|yazdı|şunu yazdı|yazmış|menulis|đã viết|"
    r"va escriure|je napisao|je napisal|написа|rašė|rakstīja|kirjutas|skrifaði)\b|写道|寫道|写到|のメッセージ|"
    r"書きました|さんは書き|は書いた|"
    r"さんのメール|님이 작성|님이 쓴 글|작성:|작성\s*[:：]|"
    r"كتب|كتبت|כתב|כתבה|เขียน|wrote",
    re.IGNORECASE,
)
# How such a line begins.
ON = re.compile(
    r"^(?:on|am|le|el|il|op|den|dnia|w dniu|em|dne|dňa|στις|în|el día|vào|pada|på|בתאריך)\b|"
    r"^(?:pe|в|вт|пн|ср|чт|пт|сб|вс|во|at|a|da|od|från|fra|von|van|ti|ma|ke|to|la|su|у|na|"
    r"kl)[.,]?\s+(?:\w{2,12}[.,]?\s+)?\d|"
    r"^[\u202a\u202b]?(?:在|於|于|في|ב)|^\W{0,3}\d",
    re.IGNORECASE,
)

ORIGINAL = (
    "original message|original appointment|original email|reply message|reply above this line|"
    "ursprüngliche nachricht|ursprüngliche mail|originalnachricht|"
    "original-nachricht|antwort weitergeleitete nachricht|message d'origine|message original|message d’origine|"
    "mensaje original|mensagem original|"
    "messaggio originale|oorspronkelijk bericht|oorspronkelijke bericht|origineel bericht|ursprungligt meddelande|"
    "originalmeddelande|"
    "opprinnelig melding|oprindelig meddelelse|oprindelig besked|original besked|original meddelelse|"
    "opprinnelig e-post|wiadomość oryginalna|oryginalna wiadomość|"
    "исходное сообщение|первоначальное сообщение|оригінальне повідомлення|alkuperäinen viesti|原始邮件|原始郵件|"
    "原始訊息|原邮件|"
    "元のメッセージ|オリジナルメッセージ|"
    "원본 메시지|원본메일|original mail|orijinal mesaj|özgün ileti|původní zpráva|původní e-mail|pôvodná správa|"
    "eredeti üzenet|mesaj original|mesajul original|"
    "αρχικό μήνυμα|الرسالة الأصلية|הודעה מקורית|izvorna poruka|pesan asli|thư gốc|antwort|"
    "回复的原邮件|reply to message|ursprungsmeddelande"
)
FORWARDED = (
    "forwarded message|forwarded by|forwarded email|begin forwarded message|forward header|weitergeleitete nachricht|"
    "anfang der weitergeleiteten nachricht|"
    "anfang der weitergeleiteten e-mail|message transféré|message transféré|début du message transféré|"
    "début du message réexpédié|mensaje reenviado|"
    "inicio del mensaje reenviado|mensagem encaminhada|mensagem reencaminhada|início da mensagem encaminhada|"
    "início da mensagem reencaminhada|messaggio inoltrato|"
    "inizio messaggio inoltrato|inizia messaggio inoltrato|doorgestuurd bericht|begin doorgestuurd bericht|"
    "vidarebefordrat meddelande|vidarebefordrat brev|"
    "vidarebefordrat mejl|start på vidarebefordrat meddelande|videresendt melding|videresendt meddelelse|"
    "videresendt besked|start på videresendt besked|"
    "videresendt e-post|wiadomość przekazana dalej|przekazana wiadomość|wiadomość przekazywana|"
    "początek przekazywanej wiadomości|treść przekazanej wiadomości|"
    "пересылаемое сообщение|пересланное сообщение|пересылаемое письмо|начало переадресованного сообщения|"
    "переслане повідомлення|välitetty viesti|"
    "edelleenlähetetty viesti|転送されたメッセージ|転送メッセージ|转发的邮件|转发邮件|轉寄郵件|轉寄訊息|"
    "전달된 메시지|전달된 메일|iletilen mesaj|iletilmiş mesaj|"
    "přeposlaná zpráva|přeposlaný e-mail|preposlaná správa|továbbított üzenet|továbbított levél|mesaj redirecționat|"
    "mesaj redirecţionat|προωθημένο μήνυμα|"
    "الرسالة المعاد توجيهها|رسالة معاد توجيهها|הודעה שהועברה|הודעה מועברת|proslijeđena poruka|pesan terusan"
)
_ORIGINAL_WORDS = "|".join(map(re.escape, sorted(ORIGINAL.split("|"), key=len, reverse=True)))
_FORWARDED_WORDS = "|".join(map(re.escape, sorted(FORWARDED.split("|"), key=len, reverse=True)))
_RULE = r"[-_=*~–—\u2500]"
SEPARATOR_ORIGINAL = re.compile(
    rf"^[ \t]*{_RULE}{{2,}}[ \t]*(?:{_ORIGINAL_WORDS})[ \t:]*{_RULE}*.{{0,60}}$", re.IGNORECASE
)
SEPARATOR_FORWARDED = re.compile(
    rf"^[ \t]*(?:{_RULE}{{2,}}[ \t]*(?:{_FORWARDED_WORDS})[^\n]{{0,80}}|(?:{_FORWARDED_WORDS})[ \t]*[:：]?)[ \t]*$",
    re.IGNORECASE,
)

# Our own marker and those of other desks; everything below is ours.
REPLY_ABOVE = re.compile(
    r"(?:please )?(?:reply|respond|write|type your (?:reply|response)) (?:only )?above (?:this|the) line|"
    r"please do not write below this line|"
    r"bitte (?:oberhalb|über) dieser (?:zeile|linie) antworten|veuillez répondre au-dessus de cette ligne|"
    r"responda (?:por )?encima de esta línea|"
    r"responda acima desta linha|antwoord boven deze (?:lijn|regel)|rispondi sopra questa (?:linea|riga)|"
    r"svar over denne linjen|svara ovanför denna rad|"
    r"besvar venligst over denne linje|odpowiedz powyżej tej linii",
    re.IGNORECASE,
)

# What phones and programs add by themselves below a text.
SENT_FROM = re.compile(
    r"^[ \t*_>(\[<]*(?:"
    r"(?:sent|written|typed|posted) (?:from|via|with|using|by|on) "
    r"(?!.{0,80}\b(?:is|was|are|were|has|have|had|will|would|because|but|to you|to me|to us)\b).{2,80}|"
    r"get outlook for .{2,30}|(?:\w{2,20} )?from (?:my |a )?(?:mobile|iphone|ipad|android|blackberry|phone|"
    r"smartphone)\b.{0,30}|"
    r"(?:von meinem|von meiner|von unterwegs|gesendet (?:von|mit|aus|über|vom)) ?.{0,60}|"
    r"diese nachricht wurde von meinem .{2,60}|"
    r"envoyé (?:de|depuis|à partir de|avec|via) .{2,60}|télécharge[rz]? outlook pour .{2,30}|enviado (?:desde|do|de|"
    r"a partir|con|via|através) .{2,60}|"
    r"inviato (?:da|dal|con) .{2,60}|verzonden (?:vanaf|met|via|vanuit) .{2,60}|verstuurd vanaf .{2,60}|"
    r"skickat från .{2,60}|sendt fra .{2,60}|"
    r"wysłan[eoa] z .{2,60}|отправлено (?:с|из) .{2,60}|lähetetty .{2,60}(?:sta|stä|lla|lta)|从我的.{2,30}(?:发送|"
    r"发出).{0,10}|发自我的.{2,40}|"
    r"發自我的.{2,40}|從我的 ?.{2,30}傳送|傳送自.{2,40}|iphoneから送信|.{2,20}から送信|나의 .{2,30}에서 보냄|"
    r".{2,30}에서 보냄|.{2,40}(?:mdan|imden|"
    r"ımdan) gönderildi|odesláno z .{2,60}|"
    r"elküldve (?:az|a) .{2,60}|trimis (?:de pe|din) .{2,60}|στάλθηκε από .{2,60}|أُرسلت من .{2,40}|"
    r"تم الإرسال من .{2,40}|נשלח מ.{2,40}|"
    r"von .{2,40} (?:smartphone|handy|iphone|ipad) gesendet)[ \t.*_)\]>]*$",
    re.IGNORECASE,
)
