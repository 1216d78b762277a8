"""The addresses of the console. Everything but the first page is one entity's, which the address names."""

from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, include, path

from dunwell.web.pages import (
    accounts,
    advices,
    ageing,
    bank_files,
    bank_line,
    cash,
    home,
    matching,
    notices,
    payers,
    runs,
    signing,
)

of_notice = [
    path("", notices.notice_page, name="notice"),
    path("/mail", notices.mail, name="notice-mail"),
    path("/letter.pdf", notices.letter, name="notice-letter"),
    path("/approve", notices.approve, name="notice-approve"),
    path("/exclude", notices.exclude, name="notice-exclude"),
]
of_run: list[URLPattern | URLResolver] = [
    path("", runs.run_page, name="run"),
    path("/approve", runs.approve, name="run-approve"),
    path("/post", runs.post, name="run-post"),
    path("/cancel", runs.cancel, name="run-cancel"),
    path("/notices/<int:notice>", include(of_notice)),
]
of_cash = [
    path("", cash.line_list, name="cash"),
    path("/match", cash.match, name="cash-match"),
    path("/lines/<int:line>", bank_line.line_page, name="bank-line"),
    path("/statements", bank_files.bank_files, name="bank-files"),
    path("/advices", advices.advice_list, name="advices"),
    path("/advices/<int:advice>", advices.advice_page, name="advice"),
    path("/settings", matching.settings, name="matching"),
    path("/payers", payers.payer_list, name="payers"),
    path("/payers/<int:payer>/forget", payers.forget_payer, name="payer-forget"),
]
of_entity: list[URLPattern | URLResolver] = [
    path("/runs", runs.run_list, name="runs"),
    path("/runs/propose", runs.propose, name="propose"),
    path("/runs/<int:run>", include(of_run)),
    path("/accounts", accounts.account_list, name="accounts"),
    path("/accounts/<int:account>", accounts.account_page, name="account"),
    path("/cash", include(of_cash)),
    path("/ageing", ageing.ageing, name="ageing"),
]
urlpatterns = [
    path("", home.home, name="home"),
    path("sign-in", login_not_required(signing.SignIn.as_view()), name="sign-in"),
    path("sign-out", signing.sign_out, name="sign-out"),
    path("entities/<int:entity>", include(of_entity)),
]
