"""The table behind `inbound/sources/presets.py`: two lines a provider. Pure data, written by us from Mozilla's ISPDB.

    id | name | words
        IMAP server, POP3 server, SMTP server (- for none; TLS at the usual port, or :port for STARTTLS) | domains

Words: `local` (the user name is what stands before the @), `microsoft` or `google` (signing in there), `app_password` (the
account's own password is not taken), `switch` (programs may have to be let in by a switch in the account's settings).
"""

TABLE = """
microsoft365 | Microsoft 365 | microsoft
    outlook.office365.com outlook.office365.com smtp.office365.com:587 | onmicrosoft.com office365.com
outlook | Outlook.com | microsoft
    outlook.office365.com outlook.office365.com smtp-mail.outlook.com:587 | outlook.com hotmail.com live.com msn.com outlook.de
gmail | Gmail and Google Workspace | google
    imap.gmail.com pop.gmail.com smtp.gmail.com | gmail.com googlemail.com
yahoo | Yahoo Mail | app_password
    imap.mail.yahoo.com pop.mail.yahoo.com smtp.mail.yahoo.com | yahoo.com yahoo.de yahoo.fr yahoo.it yahoo.es yahoo.co.uk
aol | AOL Mail | app_password
    imap.aol.com pop.aol.com smtp.aol.com | aol.com aim.com netscape.net aol.de aol.fr aol.co.uk
icloud | Apple iCloud | local app_password
    imap.mail.me.com - smtp.mail.me.com:587 | icloud.com me.com mac.com
fastmail | Fastmail | app_password
    imap.fastmail.com pop.fastmail.com smtp.fastmail.com | fastmail.com fastmail.fm messagingengine.com
zoho | Zoho Mail | switch
    imap.zoho.com pop.zoho.com smtp.zoho.com | zoho.com zohomail.com
zoho-eu | Zoho Mail (Europe) | switch
    imap.zoho.eu pop.zoho.eu smtp.zoho.eu | zoho.eu zohomail.eu
zoho-in | Zoho Mail (India) | switch
    imap.zoho.in pop.zoho.in smtp.zoho.in | zoho.in zohomail.in
zoho-au | Zoho Mail (Australia) | switch
    imap.zoho.com.au pop.zoho.com.au smtp.zoho.com.au | zoho.com.au zohomail.com.au
zoho-jp | Zoho Mail (Japan) | switch
    imap.zoho.jp pop.zoho.jp smtp.zoho.jp | zoho.jp zohomail.jp
gmx-net | GMX (Germany, Austria, Switzerland) | switch
    imap.gmx.net pop.gmx.net mail.gmx.net | gmx.net gmx.de gmx.at gmx.ch gmx.eu gmx.org gmx.info
gmx-com | GMX (international) | switch
    imap.gmx.com pop.gmx.com mail.gmx.com | gmx.com gmx.us gmx.co.uk gmx.es gmx.fr
web-de | WEB.DE | local switch
    imap.web.de pop3.web.de smtp.web.de | web.de
mail-com | mail.com | switch
    imap.mail.com pop.mail.com smtp.mail.com | mail.com email.com post.com usa.com consultant.com engineer.com europe.com
yandex | Yandex Mail | switch
    imap.yandex.com pop.yandex.com smtp.yandex.com | yandex.com yandex.ru yandex.kz ya.ru
mail-ru | Mail.ru | switch
    imap.mail.ru pop.mail.ru smtp.mail.ru | mail.ru inbox.ru list.ru bk.ru
posteo | Posteo |
    posteo.de posteo.de posteo.de | posteo.de posteo.at posteo.ch posteo.com posteo.co.uk
t-online | Telekom (t-online.de) | switch
    secureimap.t-online.de securepop.t-online.de securesmtp.t-online.de | t-online.de magenta.de
ionos | 1&1 / IONOS |
    imap.1und1.de pop.1und1.de smtp.1und1.de | online.de onlinehome.de kundenserver.de
strato | Strato |
    imap.strato.de pop3.strato.de smtp.strato.de | strato.de rzone.de
hetzner | Hetzner |
    mail.your-server.de - mail.your-server.de | your-server.de
domainfactory | domainFACTORY |
    sslin.df.eu sslin.df.eu sslout.df.eu | ispgateway.de
vodafone-de | Vodafone (Germany) |
    imap.vodafonemail.de pop3.vodafonemail.de smtp.vodafonemail.de | vodafonemail.de arcor.de
gandi | Gandi |
    mail.gandi.net mail.gandi.net mail.gandi.net | gandi.net
ovh | OVH |
    ssl0.ovh.net ssl0.ovh.net ssl0.ovh.net | ovh.net
rackspace | Rackspace Email |
    secure.emailsrvr.com - secure.emailsrvr.com | emailsrvr.com
godaddy | GoDaddy (Workspace Email) |
    imap.secureserver.net pop.secureserver.net smtpout.secureserver.net | secureserver.net
one-com | one.com |
    imap.one.com - send.one.com | one.com
orange-fr | Orange (France) |
    imap.orange.fr pop.orange.fr smtp.orange.fr | orange.fr wanadoo.fr
free-fr | Free | local
    imap.free.fr pop.free.fr smtp.free.fr | free.fr
sfr | SFR |
    imap.sfr.fr pop.sfr.fr smtp.sfr.fr | sfr.fr neuf.fr
laposte | La Poste | local
    imap.laposte.net pop.laposte.net smtp.laposte.net | laposte.net
libero | Libero Mail |
    imapmail.libero.it popmail.libero.it smtp.libero.it | libero.it iol.it inwind.it
seznam | Seznam | switch
    imap.seznam.cz pop3.seznam.cz smtp.seznam.cz | seznam.cz email.cz post.cz
onet | Onet Poczta | switch
    imap.poczta.onet.pl pop3.poczta.onet.pl smtp.poczta.onet.pl | onet.pl onet.eu op.pl vp.pl
wp-pl | Wirtualna Polska | local switch
    imap.wp.pl pop3.wp.pl smtp.wp.pl | wp.pl
kpn | KPN |
    imap.kpnmail.nl pop.kpnmail.nl smtp.kpnmail.nl | kpnmail.nl planet.nl hetnet.nl xs4all.nl
ziggo | Ziggo |
    imap.ziggo.nl pop.ziggo.nl smtp.ziggo.nl:587 | ziggo.nl upcmail.nl chello.nl
proximus | Proximus |
    imap.proximus.be pop.proximus.be relay.proximus.be:587 | skynet.be proximus.be
bluewin | Swisscom Bluewin |
    imaps.bluewin.ch pop3s.bluewin.ch smtpauths.bluewin.ch | bluewin.ch
bt | BT Mail |
    mail.btinternet.com mail.btinternet.com mail.btinternet.com | btinternet.com btopenworld.com
comcast | Comcast |
    imap.comcast.net mail.comcast.net smtp.comcast.net | comcast.net
att | AT&T | app_password
    imap.mail.att.net inbound.att.net outbound.att.net | att.net bellsouth.net sbcglobal.net
telstra | Telstra |
    imap.telstra.com pop.telstra.com smtp.telstra.com | bigpond.com telstra.com
qq | QQ Mail | switch
    imap.qq.com - smtp.qq.com | qq.com
163 | NetEase 163 | switch
    imap.163.com - smtp.163.com | 163.com
naver | Naver | switch
    imap.naver.com pop.naver.com smtp.naver.com | naver.com
uol | UOL | local
    imap.uol.com.br pop3.uol.com.br smtps.uol.com.br:587 | uol.com.br
"""
